import sys, time
from explore import explore
from host import State
from repair import Repair
def go(name, model, seen=set(), **kw):
    t=time.time()
    n, fault, tr = explore([State(**kw)], model.steps, model.wrong)
    print(f"{name}: {n} states {time.time()-t:.1f}s", fault or "ok", flush=True)
    key=fault and (fault, tr[-1])
    if fault and key not in seen: print("      " + "; ".join(tr)); seen.add(key)
if __name__ == "__main__":
    for mode in ([False] if len(sys.argv) > 4 else (False, True)):
        for starts, early in (("both", False), ("old", False), ("old", True), ("none", False), ("none", True), ("never", False)):
            go(f"restart={mode} {starts} early={early}", Repair(mode), starts=starts, early=early, calls=int(sys.argv[1]), deaths=int(sys.argv[2]), restarts=int(sys.argv[3]))
