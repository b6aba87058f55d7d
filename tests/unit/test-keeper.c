/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The keeper, which performs a few operations of the machine's root for a worker, and refuses
 * everything else.
 */

#include "base/fd.h"
#include "base/keeper.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

/* Starts a keeper for the mount of this directory and returns its socket. */
static int start_keeper(int directory, pid_t *pid) {
    struct statx status;
    int ends[2];

    g_assert_cmpint(statx(directory, "", AT_EMPTY_PATH, STATX_MNT_ID, &status), ==, 0);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), ==, 0);
    *pid = fork();
    g_assert_cmpint(*pid, >=, 0);
    if (*pid == 0) {
        close(ends[1]);
        berth_keeper_serve(ends[0], status.stx_mnt_id);
    }
    close(ends[0]);
    return ends[1];
}

/* Sends these bytes with count copies of this descriptor. */
static ssize_t send_copies(int socket, const void *bytes, size_t size, int fd, unsigned count) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(3 * sizeof(int))];
    } control = {0};
    struct iovec part = {(void *)bytes, size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    int fds[] = {fd, fd, fd};

    if (count > 0) {
        control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(count * sizeof fd),
                                          .cmsg_level = SOL_SOCKET,
                                          .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.header), fds, count * sizeof fd);
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(count * sizeof fd);
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}

/* The keeper's reply to them. */
static int64_t send_raw(int socket, const void *bytes, size_t size, int fd, unsigned count) {
    int64_t answer = 0;

    g_assert_cmpint(send_copies(socket, bytes, size, fd, count), ==, (ssize_t)size);
    g_assert_cmpint(recv(socket, &answer, sizeof answer, 0), ==, sizeof answer);
    return answer;
}

static void test_nonsense_is_refused_and_changes_nothing(int socket, int directory) {
    static const size_t sizes[] = {1, 4, 300, 535, 536, 537, 600, 4096, 66000, 66072, 70000};
    g_autofree char *bytes = g_malloc(70000);

    for (int fill = 0; fill < 4; fill++)
        for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++)
            for (unsigned count = 0; count <= 1; count++) {
                memset(bytes, fill == 3 ? 0xff : fill, sizes[i]);
                g_assert_cmpint(send_raw(socket, bytes, sizes[i], directory, count), <, 0);
            }
}

static void test_keeper_allows_only_operations_of_layers(int directory) {
    char names[1024], value[8];

    g_assert_cmpint(berth_keeper_list_xattrs(directory, names, sizeof names), >=, 0);
    g_assert_cmpint(berth_keeper_get_xattr(directory, "trusted.none", value, sizeof value), ==, -1);
    g_assert_cmpint(errno, ==, ENODATA);
    static const char *const refused[] = {"user.x", "system.posix_acl_access",
                                          "trusted.overlay.redirect", "trusted.overlay.metacopy",
                                          "trusted.overlay.opaque"};
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_assert_cmpint(berth_keeper_set_xattr(directory, NULL, refused[i], "/", 1), ==, -1);
        g_assert_cmpint(errno, ==, EPERM);
        g_assert_cmpint(berth_keeper_remove_xattr(directory, refused[i]), ==, -1);
        g_assert_cmpint(errno, ==, EPERM);
    }
    static const char *const entries[] = {"", ".", "..", "a/b", "/a", "../a"};
    for (size_t i = 0; i < G_N_ELEMENTS(entries); i++) {
        g_assert_cmpint(berth_keeper_make_device(directory, entries[i], S_IFBLK, 0), ==, -1);
        g_assert_cmpint(errno, ==, EPERM);
    }
    berth_autofd int elsewhere = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_assert_cmpint(berth_keeper_make_device(elsewhere, "a", S_IFBLK, 0), ==, -1);
    g_assert_cmpint(errno, ==, EPERM);
}

static void test_keeper(void) {
    g_autofree char *path = g_dir_make_tmp("keeper-XXXXXX", NULL);
    berth_autofd int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    pid_t pid;
    int socket = start_keeper(directory, &pid), status;

    berth_keeper_use(socket);
    test_nonsense_is_refused_and_changes_nothing(socket, directory);
    test_keeper_allows_only_operations_of_layers(directory);
    close(socket);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(status, ==, 0);
    g_assert_cmpint(g_rmdir(path), ==, 0);
}

/* Descriptors that wait for a keeper count for all workers of the user. */
static void test_no_descriptors_wait(void) {
    enum { MANY = 100000 };
    const struct timeval longest = {.tv_sec = 5};
    berth_autofd int directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char bytes[8] = {0};
    pid_t pid;
    int status, sent = 0;

    /* The answers are not received. */
    berth_autofd int socket = start_keeper(directory, &pid);
    g_assert_cmpint(setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof longest), ==, 0);
    while (sent < MANY && send_copies(socket, bytes, sizeof bytes, directory, 1) > 0)
        sent++;
    g_assert_cmpint(errno, !=, EAGAIN);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);

    berth_autofd int other = start_keeper(directory, &pid);
    g_assert_cmpint(send_copies(other, bytes, sizeof bytes, directory, 2), >, 0);
    g_assert_cmpint(recv(other, bytes, sizeof bytes, 0), <=, 0);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/keeper/refuses-what-layers-do-not-need", test_keeper);
    g_test_add_func("/keeper/no-descriptors-wait-for-it", test_no_descriptors_wait);
    return g_test_run();
}
