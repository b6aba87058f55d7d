/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One netlink socket, and a table of watched processes and their statuses. The owner of the table
 * (the containers) watches a process before it can end and unwatches it once the status is
 * recorded, so the table never exceeds the number of running processes. The socket filter is
 * rebuilt at each change: without it, every exit on a busy machine would wake the service.
 */

#include "systemd/exits.h"

#include "base/fd.h"
#include "systemd/pidfd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

/* The filter takes two instructions per process. If there are more processes than fit, it passes
 * all exits. */
enum { MAX_FILTERED = (BPF_MAXINSNS - 8) / 2, WAIT_MSEC = 20, BUFFER_BYTES = 1 << 20 };

/* struct cn_msg of linux/connector.h without its flexible array. */
typedef struct {
    struct cb_id id;
    uint32_t sequence, acknowledged;
    uint16_t size, flags;
} Connector;
G_STATIC_ASSERT(sizeof(Connector) == sizeof(struct cn_msg));

/* A message in the form the kernel sends. */
typedef struct {
    struct nlmsghdr header;
    Connector connector;
    struct proc_event event;
} __attribute__((packed, aligned(NLMSG_ALIGNTO))) Message;

struct BerthExits {
    int socket;
    GHashTable *statuses; /* pid → status + 1, or 0 while it runs */
};

/* Subscribes to process events of the connector (Documentation/driver-api/connector.rst in the
 * kernel's tree). They are sent to all sockets of the group. */
static bool exits_subscribe(int fd) {
    struct {
        struct nlmsghdr header;
        Connector connector;
        enum proc_cn_mcast_op operation;
    } __attribute__((packed, aligned(NLMSG_ALIGNTO))) request = {
        .header = {.nlmsg_len = sizeof request, .nlmsg_type = NLMSG_DONE},
        .connector = {.id = {CN_IDX_PROC, CN_VAL_PROC}, .size = sizeof request.operation},
        .operation = PROC_CN_MCAST_LISTEN,
    };

    return send(fd, &request, sizeof request, 0) == sizeof request;
}

static void exits_add_instruction(GArray *program, unsigned short code, unsigned char yes,
                                  unsigned char no, uint32_t value) {
    struct sock_filter instruction = BPF_JUMP(code, value, yes, no);

    g_array_append_val(program, instruction);
}

/* Passes only the exits of watched processes. BPF loads words in network byte order. */
static void exits_set_filter(const BerthExits *exits) {
    g_autoptr(GArray) program = g_array_new(FALSE, FALSE, sizeof(struct sock_filter));
    bool all = g_hash_table_size(exits->statuses) > MAX_FILTERED;
    GHashTableIter iterator;
    gpointer pid;

    exits_add_instruction(program, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(Message, event.what));
    exits_add_instruction(program, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, htonl(PROC_EVENT_EXIT));
    exits_add_instruction(program, BPF_RET | BPF_K, 0, 0, 0);
    exits_add_instruction(program, BPF_LD | BPF_W | BPF_ABS, 0, 0,
                          offsetof(Message, event.event_data.exit.process_pid));
    g_hash_table_iter_init(&iterator, exits->statuses);
    while (!all && g_hash_table_iter_next(&iterator, &pid, NULL)) {
        exits_add_instruction(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 1,
                              htonl(GPOINTER_TO_UINT(pid)));
        exits_add_instruction(program, BPF_RET | BPF_K, 0, 0, UINT32_MAX);
    }
    exits_add_instruction(program, BPF_RET | BPF_K, 0, 0, all ? UINT32_MAX : 0);
    const struct sock_fprog whole = {(unsigned short)program->len,
                                     (struct sock_filter *)(void *)program->data};
    (void)setsockopt(exits->socket, SOL_SOCKET, SO_ATTACH_FILTER, &whole, sizeof whole);
}

BerthExits *berth_exits_new(void) {
    const struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC};
    const int size = BUFFER_BYTES;

    if (berth_pidfd_reports_exits())
        return NULL;
    g_autoptr(BerthExits) exits = g_new0(BerthExits, 1);
    exits->statuses = g_hash_table_new(NULL, NULL);
    exits->socket =
        socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR);
    if (exits->socket < 0)
        return NULL;
    exits_set_filter(exits);
    (void)setsockopt(exits->socket, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    if (bind(exits->socket, (const struct sockaddr *)&address, sizeof address) < 0 ||
        !exits_subscribe(exits->socket))
        return NULL;
    return g_steal_pointer(&exits);
}

void berth_exits_free(BerthExits *exits) {
    if (!exits)
        return;
    berth_fd_clear(&exits->socket);
    g_hash_table_unref(exits->statuses);
    g_free(exits);
}

/* Without a table there is nothing to do: the kernel is new enough, or has no connector. */
void berth_exits_watch(BerthExits *exits, pid_t pid) {
    if (exits && g_hash_table_insert(exits->statuses, GINT_TO_POINTER(pid), NULL))
        exits_set_filter(exits);
}

void berth_exits_unwatch(BerthExits *exits, pid_t pid) {
    if (exits && g_hash_table_remove(exits->statuses, GINT_TO_POINTER(pid)))
        exits_set_filter(exits);
}

/* Threads cause the same event when they end; only that of the thread group leader has the status
 * of the process. */
static void exits_take_event(BerthExits *exits, const Message *message, size_t size) {
    const struct exit_proc_event *end = &message->event.event_data.exit;
    gpointer pid = GINT_TO_POINTER(end->process_pid);

    if (size < offsetof(Message, event.event_data) + sizeof *end ||
        message->event.what != PROC_EVENT_EXIT || end->process_pid != end->process_tgid ||
        !g_hash_table_contains(exits->statuses, pid))
        return;
    g_hash_table_replace(exits->statuses, pid,
                         GINT_TO_POINTER(berth_status_of_wait((int)end->exit_code) + 1));
}

static void exits_read_events(BerthExits *exits) {
    struct sockaddr_nl from = {0};
    socklen_t length = sizeof from;
    Message message;
    ssize_t size;

    while ((size = recvfrom(exits->socket, &message, sizeof message, 0, (struct sockaddr *)&from,
                            &length)) >= 0 ||
           errno == EINTR)
        /* Any process may send to the socket; only port 0 is the kernel. */
        if (size > 0 && from.nl_pid == 0)
            exits_take_event(exits, &message, (size_t)size);
}

/* The pidfd may become readable a moment before the event is sent, hence the short wait. */
bool berth_exits_get(BerthExits *exits, pid_t pid, int *status) {
    gpointer value = NULL;

    if (!exits || !g_hash_table_contains(exits->statuses, GINT_TO_POINTER(pid)))
        return false;
    exits_read_events(exits);
    value = g_hash_table_lookup(exits->statuses, GINT_TO_POINTER(pid));
    if (!value) {
        struct pollfd poll_fd = {.fd = exits->socket, .events = POLLIN};
        (void)poll(&poll_fd, 1, WAIT_MSEC);
        exits_read_events(exits);
        value = g_hash_table_lookup(exits->statuses, GINT_TO_POINTER(pid));
    }
    *status = GPOINTER_TO_INT(value) - 1;
    return value != NULL;
}
