/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Descriptors sent with messages: none stays open unnoticed. */

#include "bare/rights.h"

#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <unistd.h>

static ssize_t receive(int socket, int *fd, int *flags) {
    char byte;
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    BerthRights rights;

    berth_rights_expect(&message, &rights);
    ssize_t size = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    *fd = berth_rights_take(&message);
    *flags = message.msg_flags;
    return size;
}

/* Returns the lowest free descriptor. It is the same before and after if nothing was left open. */
static int find_free(void) {
    int fd = dup(STDIN_FILENO);

    close(fd);
    return fd;
}

static void test_a_descriptor_arrives_with_its_message(void) {
    struct iovec part = {(char[]){'x'}, 1};
    struct msghdr with = {.msg_iov = &part, .msg_iovlen = 1}, without = with;
    BerthRights rights;
    int sockets[2], flags, fd, pipes[2];
    char byte = 0;

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), ==, 0);
    g_assert_cmpint(pipe2(pipes, O_CLOEXEC), ==, 0);
    berth_rights_add(&with, &rights, pipes[1]);
    g_assert_cmpint(sendmsg(sockets[0], &with, 0), ==, 1);
    berth_rights_add(&without, &rights, -1);
    g_assert_cmpint(sendmsg(sockets[0], &without, 0), ==, 1);
    g_assert_cmpint(receive(sockets[1], &fd, &flags), ==, 1);
    g_assert_cmpint(fcntl(fd, F_GETFD), ==, FD_CLOEXEC);
    g_assert_cmpint(write(fd, "y", 1), ==, 1);
    g_assert_cmpint(read(pipes[0], &byte, 1), ==, 1);
    g_assert_cmpint(byte, ==, 'y');
    close(fd);
    g_assert_cmpint(receive(sockets[1], &fd, &flags), ==, 1);
    g_assert_cmpint(fd, ==, -1);
    for (size_t i = 0; i < 2; i++) {
        close(sockets[i]);
        close(pipes[i]);
    }
}

/* The padding of the control buffer has room for a second descriptor, which nothing would close. */
static void test_further_descriptors_do_not_stay_open(void) {
    union {
        char bytes[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct iovec part = {(char[]){'x'}, 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    const int two[] = {STDIN_FILENO, STDOUT_FILENO};
    int sockets[2], flags, fd;

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), ==, 0);
    int before = find_free();
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){CMSG_LEN(sizeof two), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(header), two, sizeof two);
    g_assert_cmpint(sendmsg(sockets[0], &message, 0), ==, 1);
    g_assert_cmpint(receive(sockets[1], &fd, &flags), ==, 1);
    g_assert_true(flags & MSG_CTRUNC);
    g_assert_cmpint(fd, >=, 0);
    close(fd);
    g_assert_cmpint(find_free(), ==, before);
    close(sockets[0]);
    close(sockets[1]);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rights/a-descriptor-arrives-with-its-message",
                    test_a_descriptor_arrives_with_its_message);
    g_test_add_func("/rights/further-descriptors-do-not-stay-open",
                    test_further_descriptors_do_not_stay_open);
    return g_test_run();
}
