/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The protocol of the journal's stream socket, as used by sd_journal_stream_fd(3): seven lines,
 * followed by whatever the command writes. There is no state here.
 */

#include "launch/journal.h"

#include "bare/fd.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#define JOURNAL_SOCKET "/run/systemd/journal/stdout"

enum { PRIORITY_INFO = 6 };

bool berth_journal_connect(int fd, const char *identifier, const char *unit, BerthFault *fault) {
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET};

    /* Identifier, unit, priority; "<3>" at the beginning of a line is part of it; nothing is
     * forwarded. As a priority, "<0>" would have journald write the line, with its control
     * characters, to the terminals of all users. journald uses the unit only for a process that has
     * already ended; for others, it reads the cgroup. */
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0 ||
        shutdown(fd, SHUT_RD) < 0 ||
        dprintf(fd, "%s\n%s\n%d\n0\n0\n0\n0\n", identifier, unit, PRIORITY_INFO) < 0)
        return berth_fault_set_errno(fault, errno, "connect to the journal");
    return true;
}
