# Which tools give the committed bytes. Read by build.sh and toolchain.sh, from this folder.
# (AssemblyScript's version is in plugins/template-ids/package-lock.json, Python's packages' in registry/requirements.txt.)
RUST=1.95.0
RUST_COMMIT=59807616e1fa2540724bfbac14d7976d7e4a3860
ASSEMBLYSCRIPT=0.28.20
PYTHON_ENV=$PWD/../target/examples/python
