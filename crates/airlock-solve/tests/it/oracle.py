"""libsolv's judgement, with RPM semantics: which packages of some repositories cannot be installed.

Standard input: a list of pools, each {"machine": ARCH, "installonly": [CAPABILITY], "repositories": [{"primary": PATH, "filelists": PATH?}],
                 "transactions": [[NAME, …], …], "contexts": [{"hidden": [NAME, …], "asked": [NAME, …]}, …]}
Standard output: for each {"broken": [NAME], "checked": N, "valid": [BOOL, …], "contexts": [{"broken": [NAME], "checked": N}, …]}

A NAME is a NEVRA, "@" and the number of its repository. A transaction is valid when libsolv installs exactly its
packages into an empty machine. A context asks about some packages while others are not there (module streams that are
not enabled).
"""
import json
import sys

import solv

Job = solv.Job
# solver.h; the Python package has no name for it.
KEEP_EXPLICIT_OBSOLETES = 11


def main():
    json.dump([judge(asked) for asked in json.load(sys.stdin)], sys.stdout)


def judge(asked):
    pool = solv.Pool()
    pool.setdisttype(solv.Pool.DISTTYPE_RPM)
    pool.setarch(asked["machine"])
    # As rpm and dnf: libraries of 32 and 64 bits stand side by side.
    pool.set_flag(solv.Pool.POOL_FLAG_IMPLICITOBSOLETEUSESCOLORS, 1)
    number = {}
    for index, files in enumerate(asked["repositories"]):
        repo = pool.add_repo(str(index))
        number[repo.id] = index
        repo.add_rpmmd(solv.xfopen(files["primary"]), None, 0)
        if files.get("filelists"):
            repo.add_rpmmd(solv.xfopen(files["filelists"]), "FL", solv.Repo.REPO_EXTEND_SOLVABLES)
    pool.addfileprovides()
    pool.createwhatprovides()

    several = []
    for capability in asked.get("installonly", []):
        dependency = pool.Dep(capability, False)
        if dependency:
            several += [pool.Job(Job.SOLVER_MULTIVERSION | Job.SOLVER_SOLVABLE_PROVIDES, dependency.id)]

    def solver():
        made = pool.Solver()
        made.set_flag(solv.Solver.SOLVER_FLAG_IGNORE_RECOMMENDED, 1)
        # Which of two architectures is preferred is no matter of what can be installed.
        made.set_flag(solv.Solver.SOLVER_FLAG_NO_INFARCHCHECK, 1)
        # As dnf: kernels obsolete what they say, though they stand side by side.
        made.set_flag(KEEP_EXPLICIT_OBSOLETES, 1)
        return made

    def name(solvable):
        return "%s@%d" % (solvable, number[solvable.repo.id])

    install = Job.SOLVER_INSTALL | Job.SOLVER_SOLVABLE

    def find_broken(left):
        while left:
            made = solver()
            made.solve(several + [pool.Job(install | Job.SOLVER_WEAK, s.id) for s in left])
            there = {s.id for s in made.transaction().newsolvables()}
            after = [s for s in left if s.id not in there]
            if len(after) == len(left):
                break
            left = after
        # A solver that is used again is much faster than a new one each.
        broken = []
        made = solver()
        for s in left:
            if made.solve(several + [pool.Job(install, s.id)]):
                broken.append(name(s))
        return sorted(broken)

    def installed_by_machines(s):
        return s.arch not in ("src", "nosrc") and pool.isknownarch(s.archid)

    candidates = [s for s in pool.solvables if installed_by_machines(s)]
    broken = find_broken(candidates)

    by_name = {}
    for s in pool.solvables:
        by_name[name(s)] = s
    valid = []
    made = solver()
    for names in asked.get("transactions", []):
        wanted = {by_name[n].id for n in names}
        # Nothing else may come in, and all of it has to.
        jobs = several + [pool.Job(install, i) for i in wanted]
        problems = made.solve(jobs)
        there = {s.id for s in made.transaction().newsolvables()} if not problems else set()
        valid.append(there == wanted)

    everything = {s.id for s in pool.solvables}
    contexts = []
    for context in asked.get("contexts", []):
        hidden = {by_name[n].id for n in context["hidden"]}
        pool.set_considered_list(sorted(everything - hidden))
        pool.createwhatprovides()
        judged = [by_name[n] for n in context["asked"]]
        judged = [s for s in judged if installed_by_machines(s)]
        contexts.append({"broken": find_broken(judged), "checked": len(judged)})
    return {"broken": broken, "checked": len(candidates), "valid": valid, "contexts": contexts}


main()
