"""All that leaves the process besides replies: log lines, daily totals, metrics; nothing else."""
