for a in "$@"; do echo "== $a"; timeout 500 python3 try.py $a; done; date
