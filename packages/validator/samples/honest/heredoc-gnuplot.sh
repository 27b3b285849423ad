#!/bin/bash
gnuplot <<- END
	set terminal pngcairo
	set output "energy.png"
	plot "energies.dat" using 1:2 with linespoints title "E"
END
