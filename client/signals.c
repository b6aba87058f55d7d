/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Ends dist by a signal that it has caught, or that has ended its container. There is no state. */

#include "client/signals.h"

#include <stddef.h>

/* The signal is blocked when it is raised, and ends this process once it is unblocked: the parent
 * sees that the process was killed by the signal. */
void dist_end_by_signal(int number) {
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, number);
    signal(number, SIG_DFL);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

sigset_t dist_block_interrupts(void) {
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return set;
}
