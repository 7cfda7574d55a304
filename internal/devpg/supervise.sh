# SPDX-License-Identifier: Apache-2.0
#
# Runs one postgres for as long as its owner lives and cleans up after both. POSIX sh, nothing else.
#
# $1 temporary folder to remove at the end, or empty     $2 data folder
# $3 none | quick | durable: how to make a new cluster   $4 folders of private libraries, or empty
# $5 tenths of a second for a fast shutdown              $6... postgres and its arguments
# fd 3 is the read end of a pipe whose only write end the owner holds: end of file means that the owner is gone,
# whatever way it died. fds 4 and 5 are locks on our folders: they stay until everything is cleaned up.
tmp=$1 data=$2 init=$3 libs=$4 grace=$5
shift 5

# A signal to the group is for postgres; we must live to clean up, and writing to a dead owner must not end us.
trap '' HUP INT QUIT TERM PIPE

# run becomes the given program. Libraries are set here and not above: they are not for rm and sleep.
run() {
	if [ -n "$libs" ]; then
		LD_LIBRARY_PATH=$libs
		export LD_LIBRARY_PATH
	fi
	exec "$@"
}

# watch stops the group when the owner is gone. It repeats the signal, because initdb may just have made room for a
# postgres, or a postgres may not yet listen to signals; a second fast shutdown changes nothing.
watch() {
	read -r _
	nap=
	trap '[ -z "$nap" ] || { kill -s KILL "$nap"; wait "$nap"; }; exit 0' USR1
	n=0
	# $$ is the shell that waits for postgres; it may have been killed.
	while [ -e "$data/postmaster.pid" ] || kill -s 0 $$; do
		if [ "$n" -lt "$grace" ]; then
			kill -s INT 0
		elif [ "$n" -lt $((grace + 60)) ]; then
			kill -s QUIT 0
		elif read -r pid <"$data/postmaster.pid"; then
			kill -s KILL "$pid"
		else
			kill -s KILL 0
		fi
		n=$((n + 1))
		# In the background, because only wait lets a trap run at once.
		sleep 0.1 &
		nap=$!
		wait "$nap"
	done
}
watch <&3 >/dev/null 2>&1 4<&- 5<&- &
watcher=$!
exec 3<&-

status=0
if [ "$init" != none ]; then
	sync=
	[ "$init" = durable ] || sync=--no-sync
	# --no-instructions is unknown to version 13, so what it silences goes to /dev/null.
	run "${1%/*}/initdb" -D "$data/.initdb" -U postgres -A trust -E UTF8 --locale=C $sync \
		>/dev/null 4<&- 5<&- &
	# PG_VERSION moves last: a folder that has it is a whole cluster.
	wait "$!" &&
		mv "$data"/.initdb/[a-z]* "$data" &&
		mv "$data/.initdb/PG_VERSION" "$data" &&
		rmdir "$data/.initdb"
	status=$?
fi
if [ "$status" -eq 0 ]; then
	run "$@" 4<&- 5<&- &
	wait "$!"
	status=$?
fi

{
	kill -s USR1 "$watcher"
	if [ -n "$tmp" ]; then
		# Children of a killed postmaster may still write for a moment.
		n=0
		until rm -rf "$tmp" || [ "$n" -ge 20 ]; do
			n=$((n + 1))
			sleep 0.1
		done
	fi
	wait "$watcher"
} >/dev/null 2>&1
exit "$status"
