#!/usr/bin/env bash
# A real SLURM cluster of two nodes on one Debian or Ubuntu machine, for the tests.
#
#   tests/cluster/slurm.sh start FOLDER [PORT]    bring it up; its programs lie in FOLDER/bin
#   tests/cluster/slurm.sh stop FOLDER            take it down, with all that runs on it
#   tests/cluster/slurm.sh watch FOLDER PROCESS   take it down when a process has ended, however
#
# It listens at PORT (26817) and the two that follow, so that several can run side by side.
# Node cpu1 is in the partition cpu, node gpu1, with two pretend GPUs, in the partition gpu; jobs
# of the partition urgent drive jobs of gpu from their node. The packages are unpacked into FOLDER
# and not installed: SLURM's programs on everybody's PATH make each start of Snakemake wait for a
# cluster. Needs root and apt. There is no accounting database: squeue tells how jobs stand.
set -euo pipefail

[[ $# == [23] && $1 =~ ^(start|stop|watch)$ ]] || { sed -n '4,6s/^# *//p' "$0" >&2; exit 2; }
source "$(dirname "$0")/apt.sh"
folder=$(only_folder "$2")
root=$folder/root
run=$folder/run

unpack() {
  [[ -x $root/usr/sbin/slurmctld ]] && return
  mkdir -p "$folder/packages/partial"
  apt update
  # A cache of its own, so that what the machine has in its own is fetched as well, installed or not.
  apt -y install --download-only --reinstall --no-install-recommends \
    -o Dir::Cache::archives="$folder/packages" slurmctld slurmd slurm-client munge >/dev/null
  for package in "$folder"/packages/*.deb; do dpkg -x "$package" "$root"; done
  # By their own names, without Debian's ending, the daemons know what they are.
  for program in "$root"/usr/sbin/*-wlm; do mv "$program" "${program%-wlm}"; done
}

# Each program by a script that shows it its libraries, of which its jobs then see nothing.
write_programs() {
  local loader libraries program
  loader=$(compgen -G '/lib*/ld-linux-*.so.*' | head -1)
  libraries=$(dirname "$(find "$root" -name libslurmfull.so)")
  libraries=$libraries:${libraries%/*}
  mkdir -p "$folder/bin"
  for program in "$root"/usr/bin/* "$root"/usr/sbin/*; do
    cat >"$folder/bin/$(basename "$program")" <<SCRIPT
#!/bin/sh
export SLURM_CONF="$run/slurm.conf"
exec "$loader" --library-path "$libraries" "$program" "\$@"
SCRIPT
  done
  chmod +x "$folder"/bin/*
}

write_settings() {
  local host port
  host=$(hostname -s)
  port=$1
  mkdir -p "$run/state"
  cat >"$run/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# Seconds that a job which was queued again waits before it starts.
AuthInfo=socket=$run/munge.socket,cred_expire=10
PluginDir=$(dirname "$(find "$root" -name libslurmfull.so)")
# No other cluster on this machine has a job of the same number.
FirstJobId=$((port * 1000))
StateSaveLocation=$run/state
SlurmdSpoolDir=$run/spool.%n
SlurmctldPidFile=$run/slurmctld.pid
SlurmdPidFile=$run/slurmd.%n.pid
SlurmctldLogFile=$run/slurmctld.log
SlurmdLogFile=$run/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
KillWait=5
MinJobAge=3600
# Queued again, a job waits for the scheduler's next round, which comes every minute otherwise.
SchedulerParameters=sched_interval=2,bf_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
AccountingStorageType=accounting_storage/none
# Memory is measured every second, and a job that takes more than it asked for is killed: no
# control groups, which containers seldom have.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
GresTypes=gpu
# The nodes have more than the machine, so that what the rules ask for fits.
SlurmdParameters=config_overrides
NodeName=cpu1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 1)) CPUs=4 RealMemory=16000
NodeName=gpu1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 2)) CPUs=8 RealMemory=64000 Gres=gpu:2
PartitionName=cpu Nodes=cpu1 Default=YES
PartitionName=gpu Nodes=gpu1 PriorityTier=1
PartitionName=urgent Nodes=gpu1 PriorityTier=2
CONF
  printf 'NodeName=gpu1 Name=gpu File=/dev/%s\n' null zero >"$run/gres.conf"
}

# Whether the daemon of a file runs: after a crash its number may be another program's.
runs() { [[ -f $run/$1.pid ]] && grep -qsF "$root" "/proc/$(cat "$run/$1.pid")/cmdline"; }

start() {
  unpack
  write_programs
  write_settings "${1:-26817}"
  [[ -f $run/munge.key ]] || "$folder/bin/mungekey" --create --keyfile="$run/munge.key"
  # It warns of a folder that others may read, which is that of the tests.
  runs munged || "$folder/bin/munged" --force --socket="$run/munge.socket" \
    --key-file="$run/munge.key" --pid-file="$run/munged.pid" --log-file="$run/munged.log" \
    --seed-file="$run/munge.seed" 2>>"$run/munged.log"
  runs slurmctld || "$folder/bin/slurmctld"
  for node in cpu1 gpu1; do
    runs "slurmd.$node" || "$folder/bin/slurmd" -N "$node" -d "$folder/bin/slurmstepd"
  done
  for _ in {1..180}; do
    [[ $("$folder/bin/sinfo" -h -N -t idle -o %N 2>/dev/null | sort -u | wc -l) == 2 ]] && return
    sleep 1
  done
  echo "error: the nodes did not come up within 180 s; see the logs in $run" >&2
  return 1
}

# Daemons, steps, jobs, and the runs of tests that submit to this cluster by a recorder; by their
# arguments or surroundings, told by a file that this search itself is not found.
everything() {
  grep -lsaF -f - /proc/[0-9]*/{cmdline,environ} <<MARKS | cut -d / -f 3 | sort -u
$root/
SLURM_CONF=$run/slurm.conf
$folder/recorded/bin
MARKS
}

stop() {
  for daemon in slurmd.cpu1 slurmd.gpu1 slurmctld munged; do
    if runs "$daemon"; then kill "$(cat "$run/$daemon.pid")"; fi
  done
  for _ in {1..30}; do
    [[ $(everything) ]] || return 0
    sleep 0.1
  done
  # Jobs that stand still hear no other signal.
  kill -KILL $(everything) 2>/dev/null || true
}

# A run of the tests that is killed cleans up nothing.
watch() {
  while [[ -d /proc/$1 && -d $folder ]]; do sleep 1; done
  if [[ -d $folder ]]; then stop; fi
}

"$1" "${@:3}"
