/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Simulates a compromised worker: berthd starts it in place of the worker that its own name
 * indicates; it enters that worker's sandbox, attempts everything that no worker should be able to
 * do, reports the results, and exits. It prints one line on standard error, which goes to the
 * journal: "sandbox KIND", and NAME=ERRNO for each attempt (0: it succeeded).
 */

#include "base/fd.h"
#include "base/keeper.h"
#include "frame/frame.h"
#include "relay/sandbox.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

static GString *results;

static void report(const char *name, long result) {
    int errnum = result < 0 ? errno : 0;
    const char *text = errnum == 0 ? "0" : strerrorname_np(errnum);

    g_string_append_printf(results, " %s=%s", name, text ? text : "?");
}

static void close_if_open(long fd) {
    if (fd >= 0)
        close((int)fd);
}

/* If there is a child, it exits at once. */
static long clone_with(unsigned long flags) {
    long pid = syscall(SYS_clone, flags, 0, 0, 0, 0);

    if (pid == 0)
        syscall(SYS_exit, 0);
    return pid;
}

static long clone3_with(uint64_t flags) {
    struct clone_args arguments = {.flags = flags, .exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &arguments, sizeof arguments);

    if (pid == 0)
        syscall(SYS_exit, 0);
    return pid;
}

static void *run_nothing(void *data) {
    return data;
}

static long make_thread(void) {
    pthread_t thread;
    int r = pthread_create(&thread, NULL, run_nothing, NULL);

    if (r == 0)
        r = pthread_join(thread, NULL);
    errno = r;
    return r == 0 ? 0 : -1;
}

static void try_processes(void) {
    static char *const none[] = {NULL};

    report("thread", make_thread());
    report("fork", clone_with(SIGCHLD));
    report("vfork", clone_with(CLONE_VM | CLONE_VFORK | SIGCHLD));
    report("clone-user", clone_with(CLONE_NEWUSER | SIGCHLD));
    report("clone-mount", clone_with(CLONE_NEWNS | SIGCHLD));
    report("clone-upper-half", clone_with(1ul << 32 | CLONE_NEWUSER | SIGCHLD));
    report("clone-thread-user", clone_with(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_NEWNET));
    report("clone3", clone3_with(0));
    report("clone3-user", clone3_with(CLONE_NEWUSER));
    report("unshare-user", syscall(SYS_unshare, CLONE_NEWUSER));
    report("unshare-net", syscall(SYS_unshare, CLONE_NEWNET));
    report("setns", syscall(SYS_setns, 0, 0));
    report("execve", syscall(SYS_execve, "/proc/self/exe", none, none));
    report("execveat", syscall(SYS_execveat, BERTH_WORKER_BUS_FD, "", none, none, AT_EMPTY_PATH));
}

static void try_others(void) {
    struct iovec here = {results, 1};
    const struct rlimit limit = {1, 1};
    struct rlimit other = {RLIM_INFINITY, RLIM_INFINITY};

    report("is-first", getpid() == 1 ? 0 : (errno = EEXIST, -1));
    report("kill-all", syscall(SYS_kill, -1, SIGTERM));
    report("kill-2", syscall(SYS_kill, 2, 0));
    report("tgkill-2", syscall(SYS_tgkill, 2, 2, 0));
    report("tgkill-self", syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), 0));
    report("tkill", syscall(SYS_tkill, 2, 0));
    report("sigqueue", syscall(SYS_rt_sigqueueinfo, 2, 0, NULL));
    report("pidfd-open", syscall(SYS_pidfd_open, 1, 0));
    report("pidfd-signal", syscall(SYS_pidfd_send_signal, BERTH_WORKER_BUS_FD, 0, NULL, 0));
    report("pidfd-getfd", syscall(SYS_pidfd_getfd, BERTH_WORKER_BUS_FD, 0, 0));
    report("own-by-pid", syscall(SYS_fcntl, BERTH_WORKER_BUS_FD, F_SETOWN, 2));
    report("own-signal", syscall(SYS_fcntl, BERTH_WORKER_BUS_FD, F_SETSIG, SIGKILL));
    report("prlimit-2", syscall(SYS_prlimit64, 2, RLIMIT_NOFILE, NULL, &other));
    report("prlimit-set", syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, NULL));
    report("prlimit-get", syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &other));
    report("setpriority", syscall(SYS_setpriority, PRIO_USER, 0, 19));
    report("ptrace-me", syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0));
    report("ptrace", syscall(SYS_ptrace, PTRACE_SEIZE, 2, 0, 0));
    report("readv-process", syscall(SYS_process_vm_readv, 2, &here, 1, &here, 1, 0));
    report("writev-process", syscall(SYS_process_vm_writev, 2, &here, 1, &here, 1, 0));
    report("madvise-process", syscall(SYS_process_madvise, BERTH_WORKER_BUS_FD, &here, 1, 0, 0));
    report("kcmp", syscall(SYS_kcmp, 1, 1, 0, 0, 0));
    report("setuid", syscall(SYS_setresuid, 0, 0, 0));
    report("setfsuid", syscall(SYS_setfsuid, 0));
    report("setfsgid", syscall(SYS_setfsgid, 0));
    report("dumpable", syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0));
    report("no-death", syscall(SYS_prctl, PR_SET_PDEATHSIG, 0, 0, 0, 0));
    report("capset", syscall(SYS_capset, NULL, NULL));
    getrlimit(RLIMIT_FSIZE, &other);
    report("large-file", other.rlim_cur == RLIM_INFINITY ? 0 : (errno = EFBIG, -1));
    /* Of its own side only; the other one would end the messages of all workers. */
    report("shutdown-error", syscall(SYS_shutdown, STDERR_FILENO, SHUT_RD));
    report("epoll", syscall(SYS_epoll_create1, 0));
}

static void try_socket(const char *name, int family, int type, int protocol) {
    long fd = syscall(SYS_socket, family, type, protocol);

    report(name, fd);
    close_if_open(fd);
}

/* path begins with "@" for an abstract name. */
static void try_connect(const char *name, int type, const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    long fd = syscall(SYS_socket, AF_UNIX, type, 0);
    long r = fd;

    memcpy(address.sun_path, path, strlen(path));
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    if (fd >= 0)
        r = connect((int)fd, (struct sockaddr *)&address,
                    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)));
    report(name, r);
    close_if_open(fd);
}

/* Binds a TCP port, which together with listen(2) is all that is needed to accept connections. */
static void try_bind(void) {
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(4999)};
    long fd = syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);

    report("bind", fd < 0 ? fd : bind((int)fd, (const struct sockaddr *)&address, sizeof address));
    close_if_open(fd);
}

static void try_network(void) {
    try_bind();
    try_socket("socket-inet", AF_INET, SOCK_STREAM, 0);
    try_socket("socket-inet6", AF_INET6, SOCK_DGRAM, 0);
    try_socket("socket-route", AF_NETLINK, SOCK_RAW, 0);
    try_socket("socket-netfilter", AF_NETLINK, SOCK_RAW, 12);
    try_socket("socket-packet", AF_PACKET, SOCK_RAW, 0);
    try_socket("socket-alg", AF_ALG, SOCK_SEQPACKET, 0);
    try_socket("socket-vsock", AF_VSOCK, SOCK_STREAM, 0);
    try_socket("socket-raw", AF_INET, SOCK_RAW, IPPROTO_ICMP);
    try_socket("socket-unix", AF_UNIX, SOCK_STREAM, 0);
    try_connect("bus", SOCK_STREAM, "/run/dbus/system_bus_socket");
    try_connect("journal", SOCK_DGRAM, "/run/systemd/journal/socket");
    try_connect("journal-output", SOCK_STREAM, "/run/systemd/journal/stdout");
    try_connect("notify", SOCK_DGRAM, "/run/systemd/notify");
    try_connect("systemd", SOCK_STREAM, "/run/systemd/private");
    try_connect("abstract", SOCK_STREAM, "@berth-sandbox-test");
    try_connect("nscd", SOCK_STREAM, "/run/nscd/socket");
    report("listen", syscall(SYS_listen, BERTH_WORKER_BUS_FD, 1));
    report("accept", syscall(SYS_accept4, BERTH_WORKER_BUS_FD, NULL, NULL, 0));
}

static void try_open(const char *name, const char *path, int flags) {
    long fd = syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600);

    report(name, fd);
    close_if_open(fd);
}

/* Tries to leave the root through each descriptor that is already open. A descriptor of a directory
 * on a mount of the machine would lead to everything above it, whatever the root is. */
static void try_descriptors(void) {
    enum { MANY = 64 };
    int errnum = ENOENT;
    long found = -1;

    for (int fd = 0; fd < MANY && found < 0; fd++) {
        found = syscall(SYS_openat, fd, "../../../../../../../../etc/passwd", O_RDONLY);
        if (found < 0 && errno != EBADF && errno != ENOTDIR)
            errnum = errno;
    }
    errno = errnum;
    report("open-through-descriptor", found);
    close_if_open(found);
}

static void try_files(void) {
    try_open("open-passwd", "/etc/passwd", O_RDONLY);
    try_open("open-shadow", "/etc/shadow", O_RDONLY);
    try_open("open-machine-id", "/etc/machine-id", O_RDONLY);
    try_open("open-hosts", "/etc/hosts", O_RDONLY);
    try_open("open-state", "/var/lib/berth", O_RDONLY | O_DIRECTORY);
    try_open("open-run", "/run/systemd", O_RDONLY | O_DIRECTORY);
    try_open("open-sys", "/sys/kernel", O_RDONLY | O_DIRECTORY);
    try_open("open-tmp", "/tmp", O_RDONLY | O_DIRECTORY);
    try_open("open-dev", "/dev/null", O_RDONLY);
    try_open("open-memory", "/proc/self/mem", O_RDWR);
    try_open("open-second", "/proc/2/status", O_RDONLY);
    try_open("open-above", "/../../../../usr/bin/true", O_RDONLY);
    try_descriptors();
    (void)syscall(SYS_mknodat, AT_FDCWD, "made", S_IFCHR | 0666, makedev(1, 3));
    try_open("open-made", "made", O_RDONLY);
    try_open("create", "/etc/made", O_WRONLY | O_CREAT);
    report("open-by-handle", syscall(SYS_open_by_handle_at, AT_FDCWD, NULL, 0));
    report("memfd", syscall(SYS_memfd_create, "x", 0));
    report("chroot", syscall(SYS_chroot, "/"));
    report("mount", syscall(SYS_mount, "tmpfs", "/", "tmpfs", 0, NULL));
    report("umount", syscall(SYS_umount2, "/", MNT_DETACH));
    report("open-tree", syscall(SYS_open_tree, AT_FDCWD, "/", 0));
    report("move-mount", syscall(SYS_move_mount, AT_FDCWD, "/", AT_FDCWD, "/", 0));
    report("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
    report("mount-setattr", syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, NULL, 0));
    report("pivot-root", syscall(SYS_pivot_root, "/", "/"));
    report("swapon", syscall(SYS_swapon, "/", 0));
    report("type", syscall(SYS_ioctl, STDIN_FILENO, TIOCSTI, "x"));
}

static void try_kernel(void) {
    void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    report("bpf", syscall(SYS_bpf, BPF_PROG_LOAD, NULL, 0));
    report("keyctl", syscall(SYS_keyctl, 0, 0, 0, 0, 0));
    report("add-key", syscall(SYS_add_key, "user", "x", "x", 1, -3));
    report("perf", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
    report("userfaultfd", syscall(SYS_userfaultfd, 0));
    report("uring", syscall(SYS_io_uring_setup, 1, NULL));
    report("module", syscall(SYS_finit_module, 0, "", 0));
    report("kexec", syscall(SYS_kexec_load, 0, 0, NULL, 0));
    report("reboot", syscall(SYS_reboot, 0, 0, 0, NULL));
    report("sethostname", syscall(SYS_sethostname, "x", 1));
    report("settime", syscall(SYS_clock_settime, 0, NULL));
    report("personality", syscall(SYS_personality, 0xffffffff));
    report("seccomp", syscall(SYS_seccomp, 0, 0, NULL));
    report("syslog", syscall(SYS_syslog, 3, NULL, 0));
    report("code", mprotect(code, 4096, PROT_READ | PROT_EXEC));
}

/* Operations of the machine's root, attempted directly and through the keeper, which only allows a
 * few of them. */
static void try_keeper(void) {
    static const uint32_t nonsense[] = {99, 99, 99};
    const dev_t device = makedev(1, 3);
    berth_autofd int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char value;

    report("set-trusted", fsetxattr(root, "trusted.overlay.opaque", "y", 1, 0));
    report("set-security", fsetxattr(root, "security.mine", "y", 1, 0));
    report("make-device", mknodat(root, "device", S_IFCHR | 0600, device));
    report("kept-opaque", berth_keeper_set_xattr(root, NULL, "trusted.overlay.opaque", "y", 1));
    report("kept-get", berth_keeper_get_xattr(root, "trusted.overlay.opaque", &value, 1));
    report("kept-value", berth_keeper_set_xattr(root, NULL, "trusted.overlay.opaque", "x", 1));
    report("kept-redirect", berth_keeper_set_xattr(root, NULL, "trusted.overlay.redirect", "/", 1));
    report("kept-unmark", berth_keeper_remove_xattr(root, "trusted.overlay.opaque"));
    report("kept-user", berth_keeper_set_xattr(root, NULL, "user.mine", "y", 1));
    report("kept-get-user", berth_keeper_get_xattr(root, "user.mine", &value, 1));
    report("kept-device", berth_keeper_make_device(root, "device", S_IFBLK | 0600, device));
    try_open("open-kept-device", "device", O_RDONLY);
    report("kept-file", berth_keeper_make_device(root, "file", S_IFREG | 0600, 0));
    report("kept-set-id", berth_keeper_make_device(root, "device", S_IFCHR | S_ISUID, device));
    report("kept-path", berth_keeper_make_device(root, "a/b", S_IFCHR | 0600, device));
    report("kept-above", berth_keeper_make_device(root, "..", S_IFCHR | 0600, device));
    report("kept-above-xattr", berth_keeper_set_xattr(root, "..", "trusted.mine", "y", 1));
    /* On a file outside the mount that the keeper serves. */
    report("kept-elsewhere",
           berth_keeper_set_xattr(BERTH_WORKER_BUS_FD, NULL, "security.mine", "y", 1));
    report("kept-nothing", berth_keeper_set_xattr(-1, NULL, "trusted.mine", "y", 1));
    /* The keeper may exit after that, but must not have done anything. */
    for (int fd = BERTH_WORKER_DIRECTORY_FD; fd < 64; fd++)
        (void)!sendto(fd, nonsense, sizeof nonsense, MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0);
}

static bool try_all(BerthFrame *frame, void *userdata, GError **error) {
    (void)frame;
    (void)error;
    results = g_string_new(userdata);
    try_processes();
    try_others();
    try_network();
    try_files();
    try_kernel();
    if (!g_str_equal(userdata, "relay") && berth_sandbox_find(userdata)->has_keeper)
        try_keeper();
    fprintf(stderr, "sandbox %s\n", results->str);
    /* At the end of a program, a sanitizer needs system calls that are no longer allowed. */
    _exit(EXIT_SUCCESS);
}

int main(int argc, char **argv) {
    static const sd_bus_vtable vtable[] = {SD_BUS_VTABLE_START(0), SD_BUS_VTABLE_END};
    const char *name = argc > 0 ? strrchr(argv[0], '-') : NULL;
    g_autoptr(GError) error = NULL;

    /* "probe copy-in": a worker that enters a container's namespaces is started in similar ones. A
     * number is a user, to whose rights the worker is restricted. */
    if (argc > 1 && !g_ascii_isdigit(argv[1][0])) {
        if (!berth_sandbox_enter(berth_sandbox_find(argv[1]), -1, &error)) {
            fprintf(stderr, "%s\n", error->message);
            return EXIT_FAILURE;
        }
        try_all(NULL, argv[1], NULL);
    }
    if (!name)
        return EXIT_FAILURE;
    /* Programs that berthd does not call over a private bus. */
    bool is_relay = g_str_equal(name, "-relay"), is_filter = g_str_equal(name, "-filter");
    if (is_relay ? berth_relay_sandbox_enter()
                 : is_filter && berth_sandbox_enter(berth_sandbox_find("filter"), -1, &error))
        try_all(NULL, (void *)(name + 1), NULL);
    if (is_relay || is_filter)
        return EXIT_FAILURE;
    BerthSandbox sandbox = *berth_sandbox_find(name + 1);
    if (argc > 1)
        sandbox = berth_sandbox_narrow(&sandbox, (uid_t)strtoul(argv[1], NULL, 10));
    return berth_frame_run(&sandbox, vtable, try_all, (void *)(name + 1));
}
