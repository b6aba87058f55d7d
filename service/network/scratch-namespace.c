/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A process that does nothing but keep a network namespace, on request with a pair of virtual
 * interfaces (veth(4)). The caller owns it. It dies with berth-network, and the namespace with
 * it.
 */

#include "network/scratch-namespace.h"

#include "base/fd.h"
#include "network/program.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    struct nlmsghdr header;
    struct ifinfomsg info;
    char attributes[128];
} NewLink;

static struct rtattr *add_attribute(NewLink *message, unsigned short type, const char *text) {
    struct rtattr *attribute =
        (struct rtattr *)((char *)message + NLMSG_ALIGN(message->header.nlmsg_len));
    size_t size = text ? strlen(text) + 1 : 0;

    attribute->rta_type = type;
    attribute->rta_len = (unsigned short)RTA_LENGTH(size);
    if (text)
        memcpy(RTA_DATA(attribute), text, size);
    message->header.nlmsg_len =
        (unsigned)(NLMSG_ALIGN(message->header.nlmsg_len) + RTA_ALIGN(attribute->rta_len));
    return attribute;
}

/* The kernel creates the other end by itself, under a name of its choice (veth_newlink()). */
static int make_veth(const char *name) {
    NewLink message = {
        .header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
                   .nlmsg_type = RTM_NEWLINK,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK},
        .info = {.ifi_family = AF_UNSPEC},
    };
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        char echo[sizeof(NewLink)];
    } answer;

    berth_autofd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    add_attribute(&message, IFLA_IFNAME, name);
    /* The kind is nested in the link information (rtnetlink(7)), whose length is known only once
     * it has been added. */
    struct rtattr *link = add_attribute(&message, IFLA_LINKINFO, NULL);
    add_attribute(&message, IFLA_INFO_KIND, "veth");
    link->rta_len = (unsigned short)((char *)&message + message.header.nlmsg_len - (char *)link);
    if (fd < 0 || send(fd, &message, message.header.nlmsg_len, 0) < 0 ||
        recv(fd, &answer, sizeof answer, 0) < (ssize_t)NLMSG_LENGTH(sizeof(int)))
        return errno;
    return answer.header.nlmsg_type == NLMSG_ERROR ? -answer.error.error : EPROTO;
}

G_GNUC_NORETURN static void hold_namespace(pid_t parent, const char *interface, int ready) {
    if (!berth_program_end_with_parent(parent))
        _exit(EXIT_FAILURE);
    /* Reports 0 or an errno, and then holds the namespace: it exists for as long as a process is in
     * it. */
    int code = unshare(CLONE_NEWNET) < 0 ? errno : interface ? make_veth(interface) : 0;

    if (write(ready, &code, sizeof code) != sizeof code || code != 0)
        _exit(EXIT_FAILURE);
    for (;;)
        pause();
}

bool berth_scratch_namespace_open(BerthScratchNamespace *scratch, const char *interface,
                                  GError **error) {
    int ends[2], code;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return berth_error_set_errno(error, errno, "make a pipe");
    berth_autofd int answer = ends[0];
    berth_autofd int ready = ends[1];
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        hold_namespace(parent, interface, ready);
    if (pid < 0)
        return berth_error_set_errno(error, errno, "fork");
    scratch->pid = pid;
    /* With the other end closed, the read ends as well if the process dies without a report. */
    berth_fd_clear(&ready);
    if (read(answer, &code, sizeof code) != sizeof code)
        code = ECHILD;
    return code == 0 || berth_error_set_errno(error, code, "make a network namespace");
}

void berth_scratch_namespace_close(BerthScratchNamespace *scratch) {
    if (scratch->pid <= 0)
        return;
    kill(scratch->pid, SIGKILL);
    waitpid(scratch->pid, NULL, 0);
    scratch->pid = 0;
}
