/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* There is no state here; the caller owns the pidfd. */

#include "bare/pidfd.h"

#include <poll.h>

bool berth_pidfd_is_running(int pidfd) {
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};

    /* A pidfd becomes readable when the process ends, reaped or not. poll(2) ignores a negative
     * descriptor. */
    return pidfd >= 0 && poll(&poll_fd, 1, 0) == 0;
}
