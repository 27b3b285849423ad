eval $(modulecmd bash load intel)
./app
