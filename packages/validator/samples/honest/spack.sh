eval `spack load --sh hdf5`
./app
