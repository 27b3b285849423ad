#!/bin/bash
cat > submit.sh <<EOT
#!/bin/bash
#SBATCH -n $n
if [ "\$x" = "$y" ]; then ./prog; fi
EOT
sbatch submit.sh
echo "#!/bin/bash" > r.sh; echo "for i in \$(seq 3); do" >> r.sh; echo "  ./prog \$i" >> r.sh; echo done >> r.sh; bash r.sh
{ echo "#!/bin/bash"; for i in 1 2; do echo "./prog $i"; done; } > r.sh; bash r.sh
for i in 1 2 3; do echo "./prog $i" >> jobs.txt; done; parallel < jobs.txt
cp data/*.csv out/; cp run.sh out/; bash out/run.sh
