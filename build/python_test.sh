#!/bin/bash
# Runs a Python script as a Bazel test: python_test.sh SCRIPT ARGS...
export PYTHONPATH=$PWD/test PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 "$@"
