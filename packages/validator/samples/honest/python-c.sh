python -c 'import torch; print(torch.cuda.is_available())'
python3 -c "import sys; print(sys.version)"
perl -pe 's/\r//' in.txt > out.txt
perl -e 'print 2**10, "\n"'
