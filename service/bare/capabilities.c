/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads and changes capabilities. Uses system calls instead of libcap: all three sets are known at
 * once, and nothing is kept here.
 */

#include "bare/capabilities.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

bool berth_capabilities_bound(uint64_t kept) {
    /* EINVAL: the kernel has no such capability. */
    for (int capability = 0; capability < 64; capability++)
        if (!(kept & (1ull << capability)) && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 &&
            errno != EINVAL)
            return false;
    return true;
}

bool berth_capabilities_set(uint64_t permitted, uint64_t effective, uint64_t inheritable) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {0};

    for (int i = 0; i < 2; i++) {
        data[i].permitted = (uint32_t)(permitted >> (32 * i));
        data[i].effective = (uint32_t)(effective >> (32 * i));
        data[i].inheritable = (uint32_t)(inheritable >> (32 * i));
    }
    return syscall(SYS_capset, &header, data) == 0;
}

bool berth_capabilities_set_ambient(uint64_t ambient) {
    for (int capability = 0; capability < 64; capability++)
        if ((ambient & (1ull << capability)) &&
            prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0)
            return false;
    return true;
}

uint64_t berth_capabilities_get_permitted(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {0};

    if (syscall(SYS_capget, &header, data) < 0)
        return 0;
    return data[0].permitted | (uint64_t)data[1].permitted << 32;
}
