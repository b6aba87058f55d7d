/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A container's terminal. The inner process opens it, so that it belongs to the container's devpts
 * and has the container's IDs. The slave becomes the standard descriptors of the process; only the
 * master leaves the container, for berthd. There is no state here.
 */

#include "launch/terminal.h"

#include "bare/fd.h"
#include "launch/mounts.h"
#include "launch/peer.h"

#include <errno.h>
#include <linux/mount.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>

/* Mounts the slave over /dev/console, a file that exists by now (attach_all in inside.c). */
static void cover_console(int slave) {
    BerthFault fault;
    berth_autofd int tree =
        (int)syscall(SYS_open_tree, slave, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    if (tree < 0)
        berth_fail_errno("terminal", "/dev/console");
    if (!berth_mounts_cover("/dev/console", tree, &fault))
        berth_fail_with("terminal", &fault);
}

void berth_terminal_open(const BerthSetup *setup, const BerthIdentity *identity, bool as_console) {
    struct winsize size = {
        .ws_row = setup->rows,
        .ws_col = setup->columns,
    };
    int unlock = 0;
    berth_autofd int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);

    if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0)
        berth_fail_errno("terminal", "/dev/ptmx");
    /* The slave of this very master, whatever the image has at its path (ioctl_tty(2)). */
    berth_autofd int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0 || ioctl(slave, TIOCSWINSZ, &size) < 0)
        berth_fail_errno("terminal", "/dev/ptmx");
    if (fchown(slave, identity->uid, (gid_t)-1) < 0)
        berth_fail_errno("terminal", "owner");
    if (as_console)
        cover_console(slave);
    if (!berth_peer_send(BERTH_SOCKET_FD, BERTH_LAUNCH_TERMINAL, NULL, master))
        berth_fail_errno("terminal", NULL);
    if (ioctl(slave, TIOCSCTTY, 0) < 0)
        berth_fail_errno("terminal", "control");
    for (int fd = 0; fd < 3; fd++)
        if (dup2(slave, fd) < 0)
            berth_fail_errno("terminal", NULL);
}
