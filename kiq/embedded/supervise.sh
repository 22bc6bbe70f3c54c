# Runs a server ("$@") that ends when the last process that holds its lease is gone.
#
# Standard input is the reading end of the lease, standard output the lock on the data, standard
# error the log: by stream, because a POSIX shell names only the descriptors 0 to 9.
#
# The kernel closes the files of a process however it ends, kill -9 included, so the end of the last
# lease is an end of file here. This outer shell leaves at once: nobody's child, so nobody has to
# reap it. The watcher stops reading *before* it stops the server, so that a newcomer rather finds
# no lease than a server on its way out. It stays until the server is gone, which ends the whole
# group: no process id is used after it may have been given to another process.
exec 3<&0 4>&1 </dev/null >&2
(
    "$@" 3<&- &
    server=$!
    exec 4>&-
    (
        read -r _ <&3
        exec 3<&-
        kill -TERM "$server"
        sleep 10
        kill -KILL "$server"
    ) &
    exec 3<&-
    wait "$server"
    kill -KILL 0
) &
