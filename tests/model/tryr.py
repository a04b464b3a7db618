import sys, time
from explore import explore
from host import State
from rollback import Rollback
def go(name, model, seen=set(), **kw):
    t=time.time()
    n, fault, tr = explore([State(**kw)], model.steps, model.wrong)
    print(f"{name}: {n} states {time.time()-t:.1f}s", fault or "ok", flush=True)
    key=fault and (fault, tr[-1])
    if fault and key not in seen: print("      " + "; ".join(tr)); seen.add(key)
if __name__ == "__main__":
  c,r=map(int,sys.argv[1:])
  for d,k in (("a",()),("A",("a","A"))):
    for starts, early in (("both", False), ("old", False), ("old", True), ("none", False), ("none", True)):
      go(f"{d} {starts} early={early}", Rollback(), starts=starts, early=early, calls=c, restarts=r, d=d, kept=k, vm="off", starter="", live="")
