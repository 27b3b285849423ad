conda run -n env python script.py --flag value
