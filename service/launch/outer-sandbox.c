/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * See outer-sandbox.h. The filter is a deny list, since hooks and plugins are arbitrary programs:
 * it denies only what none of them needs. System calls of other architectures are refused
 * altogether, because they would be a way around it. There is no state here.
 */

#include "launch/outer-sandbox.h"

#include "bare/capabilities.h"
#include "bare/landlock.h"
#include "launch/peer.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv)
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#elif defined(__s390x__)
#define ARCHITECTURE AUDIT_ARCH_S390X
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARCHITECTURE AUDIT_ARCH_PPC64LE
#endif

#define BIT(capability) (UINT64_C(1) << (capability))
#define NEVER_NEEDED                                                                               \
    (BIT(CAP_SYS_MODULE) | BIT(CAP_SYS_RAWIO) | BIT(CAP_SYS_PACCT) | BIT(CAP_SYS_BOOT) |           \
     BIT(CAP_SYS_TIME) | BIT(CAP_SYSLOG) | BIT(CAP_WAKE_ALARM) | BIT(CAP_BLOCK_SUSPEND) |          \
     BIT(CAP_AUDIT_CONTROL) | BIT(CAP_AUDIT_READ) | BIT(CAP_MAC_ADMIN) | BIT(CAP_MAC_OVERRIDE))

static const unsigned denied_calls[] = {
    SYS_acct,
    SYS_adjtimex,
    SYS_clock_adjtime,
    SYS_clock_settime,
    SYS_delete_module,
    SYS_finit_module,
    SYS_init_module,
    SYS_kexec_load,
    SYS_quotactl,
    SYS_reboot,
    SYS_settimeofday,
    SYS_swapoff,
    SYS_swapon,
    SYS_syslog,
#ifdef SYS_kexec_file_load
    SYS_kexec_file_load,
#endif
#ifdef SYS_quotactl_fd
    SYS_quotactl_fd,
#endif
#ifdef SYS_ioperm
    SYS_ioperm,
    SYS_iopl,
#endif
};

enum { DENIED_CALLS = sizeof denied_calls / sizeof denied_calls[0], X32_BIT = 0x40000000 };

void berth_outer_sandbox_drop(uint64_t kept) {
    uint64_t dropped = NEVER_NEEDED & ~kept;
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

    if (!berth_capabilities_bound(~dropped))
        berth_fail_errno("capabilities", "drop them from the bounding set");
    if (syscall(SYS_capget, &header, sets) < 0)
        berth_fail_errno("capabilities", "read them");
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        uint32_t left = ~(uint32_t)(dropped >> (32 * i));
        sets[i].effective &= left;
        sets[i].permitted &= left;
        sets[i].inheritable &= left;
    }
    if (syscall(SYS_capset, &header, sets) < 0)
        berth_fail_errno("capabilities", "give them up");
}

static void outer_sandbox_filter(void) {
#ifdef ARCHITECTURE
    struct sock_filter code[DENIED_CALLS + 7];
    unsigned short count = 0;

    code[count++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    code[count++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
    code[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
    code[count++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    /* System calls of the x32 ABI have the same architecture as those of x86-64. Jumps to the last
     * instruction, which denies. */
    code[count++] =
        (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, DENIED_CALLS + 1, 0);
    for (unsigned char i = 0; i < DENIED_CALLS; i++)
        code[count++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, denied_calls[i],
                                                     (unsigned char)(DENIED_CALLS - i), 0);
    code[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    const struct sock_fprog program = {count, code};
    /* Without no_new_privs, using CAP_SYS_ADMIN, so that hooks and plugins can run set-user-ID
     * programs. */
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
        berth_fail_errno("seccomp", "filter outside the container");
#endif
}

void berth_outer_sandbox_enter(void) {
    berth_outer_sandbox_drop(0);
    outer_sandbox_filter();
}

bool berth_outer_sandbox_only_read(void) {
    /* A server for user names is reached through a socket, which may be abstract. */
    const BerthLandlock denied = {
        .files = BERTH_LANDLOCK_WRITE,
        .net = BERTH_LANDLOCK_BIND,
        .scoped = BERTH_LANDLOCK_SIGNALS,
    };

    return berth_capabilities_bound(0) && berth_capabilities_set(0, 0, 0) &&
           prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && berth_landlock_restrict(&denied, -1);
}
