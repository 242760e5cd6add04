"""Bugs in the cache, in batches, here and on a cluster, and in a shared budget."""

from __future__ import annotations

from planted.bug import Bug

BUGS = (
    Bug(
        "a file of the cache under another key is believed", "siting/cache.py",
        'if facts.pop("key") != f"{kind}-{key}":', 'if not facts.pop("key"):',
        "tests/test_cache.py",
    ),
    Bug(
        "the cache does not look at the limit of snapping", "siting/kept.py",
        "sites, demand, float(cutoff_m), max_snap_m", "sites, demand, float(cutoff_m)",
        "tests/test_cache.py",
    ),
    Bug(
        "the cache does not look into the road file", "siting/kept.py",
        '"network", _contents(path), part.path,', '"network", part.path,',
        "tests/test_cache.py",
    ),
    Bug(
        "cache: arrays of another shape have the same key", "siting/cache.py",
        'digest.update(f"\\0{whole.dtype.str}{whole.shape}\\0".encode())', "pass",
        "tests/test_cache.py",
    ),
    Bug(
        "cache: what was read last goes first", "siting/cache.py",
        "found.append((path.name != newest, -about.st_mtime, about.st_size, path))",
        "found.append((path.name != newest, about.st_mtime, about.st_size, path))",
        "tests/test_cache.py",
    ),
    Bug(
        "cache: half-written files stay", "siting/cache.py",
        "                part.unlink(missing_ok=True)\n", "                pass\n",
        "tests/test_cache.py",
    ),
    Bug(
        "cache: the other files of a Shapefile do not count", "siting/kept.py",
        "for each in sorted({path, *beside} if not whole else {path})", "for each in [path]",
        "tests/test_cache.py",
    ),
    Bug(
        "cache: what reading says of the roads is lost", "siting/kept.py",
        'check.lines.extend(CheckLine(**each) for each in facts["lines"])', "pass",
        "tests/test_cache.py",
    ),
    Bug(
        "batch: the second of two attempts replaces the first", "siting/batch/claims.py",
        "        if is_published(desk, key):\n            return False\n", "",
        "tests/test_batch.py::test_of_two_attempts_the_first_result_stays",
    ),
    Bug(
        "batch: an attempt of a batch that is over puts its result in place",
        "siting/batch/claims.py",
        '        return (desk / TOKEN).read_text(encoding="utf-8") == token',
        "        return (desk / TOKEN).exists()",
        "tests/test_batch.py::test_an_attempt_of_a_batch_that_is_over_puts_nothing_in_place",
    ),
    Bug(
        "batch: two batches may write to one folder", "siting/batch/claims.py",
        "        if not held:\n", "        if False:\n",
        "tests/test_batch.py::test_two_batches_do_not_write_to_one_folder",
    ),
    Bug(
        "batch: one retry too many", "siting/batch/local.py",
        "if again and attempt <= self.retries and not self.closed:",
        "if again and attempt <= self.retries + 1 and not self.closed:",
        "tests/test_batch.py::test_a_worker_without_memory_is_replaced_and_its_scenario_tried_again",
    ),
    Bug(
        "batch: a worker without memory is used again", "siting/batch/local.py",
        "            if again:\n                worker.end()\n                worker = None\n", "",
        "tests/test_batch.py::test_a_worker_without_memory_is_replaced_and_its_scenario_tried_again",
    ),
    Bug(
        "batch: every run has all cores", "siting/batch/driver.py",
        "threads = self.threads or max(cores() // workers, 1)",
        "threads = self.threads or cores()",
        "tests/test_batch.py::test_a_run_uses_its_share_of_the_cores_and_says_so",
    ),
    Bug(
        "batch: one bad scenario ends the batch", "siting/batch/job.py",
        "except Exception as error:  # noqa: BLE001 - one bad scenario must fail alone",
        "except ZeroDivisionError as error:",
        "tests/test_batch.py::test_what_nobody_foresaw_fails_one_scenario_and_no_other",
    ),
    Bug(
        "batch: a result of other inputs is kept", "siting/batch/older.py",
        'if not path.exists() or sha256(path) != each["sha256"]:', "if not path.exists():",
        "tests/test_batch.py::test_resume_keeps_results_of_what_has_not_changed",
    ),
    Bug(
        "batch: a result of another version is kept", "siting/batch/older.py",
        'if record.get("versions", {}).get("siting") != version("siting"):', "if False:",
        "tests/test_batch.py::test_resume_redoes_what_is_not_whole",
    ),
    Bug(
        "batch: a result without an output asked for is kept", "siting/batch/older.py",
        "if not all((folder / name).exists() for name in (*ALWAYS, *wanted)):",
        "if not all((folder / name).exists() for name in ALWAYS):",
        "tests/test_batch.py::test_resume_makes_a_result_again_that_lost_an_output",
    ),
    Bug(
        "batch: a recommended rule counts as unmet", "siting/batch/job.py",
        '(row["state"], row["verdict"], row["enforced"]) == ("plan", "unmet", "true")',
        '(row["state"], row["verdict"]) == ("plan", "unmet")',
        "tests/test_batch.py::test_the_list_holds_what_each_result_says",
    ),
    Bug(
        "cluster: a job has more threads than its worker", "siting/batch/apart.py",
        "return there if asked is None else min(asked, there)",
        "return 8 if asked is None else asked",
        "tests/test_batch.py::test_a_cluster_does_the_same_and_survives_a_dead_worker",
    ),
    Bug(
        "cluster: what nobody waits for runs on", "siting/batch/apart.py",
        "if not is_shared(job.desk, job.token):", "if False:",
        "tests/test_batch.py::test_a_job_that_nobody_waits_for_or_that_takes_too_much_is_ended",
    ),
    Bug(
        "cluster: memory without end", "siting/batch/apart.py",
        "elif memory and _bytes_of(process.pid) > memory:", "elif False:",
        "tests/test_batch.py::test_a_job_that_nobody_waits_for_or_that_takes_too_much_is_ended",
    ),
    Bug(
        "cluster: waiting for workers without end", "siting/batch/cluster.py",
        "elif now - self.alive > GONE_S:", "elif False:",
        "tests/test_batch.py::test_a_cluster_without_workers_or_a_scheduler_that_falls_silent_is_given_up",
    ),
    Bug(
        "cluster: a job that cannot begin is tried for ever", "siting/batch/cluster.py",
        "attempts = max(attempts_so_far(job.desk, job.key), self.given[job.number])",
        "attempts = attempts_so_far(job.desk, job.key)",
        "tests/test_batch.py::test_a_job_that_cannot_even_begin_is_given_up_after_its_retries",
    ),
    Bug(
        "cluster: workers with another version are taken", "siting/batch/cluster.py",
        "if said != ours}", "if False}",
        "tests/test_batch.py::test_workers_that_do_not_fit_are_refused",
    ),
    Bug(
        "province: a division may pass the budget", "siting/batch/division.py",
        "while self._sum(self.weights) > self.budget * (1 + TIGHT) + TIGHT:", "while False:",
        "tests/test_province.py",
    ),
    Bug(
        "province: a bound is charged the money of its own plan", "siting/batch/division.py",
        "return np.concatenate([self.budgets[:1], self.budgets[:-1]])", "return self.budgets",
        "tests/test_province.py",
    ),
    Bug(
        "province: a bound holds for less money only", "siting/batch/division.py",
        "least[:, 0] = np.maximum.accumulate(least[::-1, 0])[::-1]", "pass",
        "tests/test_province.py",
    ),
    Bug(
        "province: a later bound is believed though an earlier value is open",
        "siting/batch/division.py",
        "            least[~known, level] = 0.0\n", "",
        "tests/test_province.py",
    ),
    Bug(
        "province: the cost decides before coverage", "siting/batch/division.py",
        "bound = choice.least([each[:, level] for each in values], keep=True)",
        "bound = choice.least([each[:, level] for each in values], keep=False)",
        "tests/test_province.py",
    ),
    Bug(
        "province: the bound over any division is not shown", "siting/batch/province.py",
        "most = total - division.bounds[level] if np.isfinite(division.bounds[level]) else None",
        "most = total - division.reached[level] if np.isfinite(division.bounds[level]) else None",
        "tests/test_province.py",
    ),
    Bug(
        "province: what is left is given out twice", "siting/batch/province.py",
        "shares[place] += min(room, max(self.budget - float(shares.sum()), 0.0))",
        "shares[place] += max(self.budget - float(shares.sum()), 0.0) + 1.0",
        "tests/test_province.py",
    ),
    Bug(
        "province: a place may have more than its own limit", "siting/batch/curves.py",
        "most = budget if own is None else min(budget, own)", "most = budget",
        "tests/test_province.py",
    ),
)  # fmt: skip
