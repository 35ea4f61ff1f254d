"""What the tools share. A tool in a folder beside this one finds it by

    sys.path.insert(0, __file__.rsplit("/", 2)[0])
"""
