/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A request is a message of fixed size, followed by the value of an attribute, with one descriptor;
 * the answer is a number, followed by the data read. The keeper keeps no state between requests;
 * the worker's side keeps the socket. The one thing to know: the keeper trusts nothing in a
 * request. keeper_perform() runs both in the keeper and in a process without one. See keeper.h.
 */

#include "base/keeper.h"

#include "bare/rights.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define TRUSTED_PREFIX "trusted."
#define SECURITY_PREFIX "security."
#define OVERLAY_PREFIX "trusted.overlay."
#define OPAQUE_XATTR "trusted.overlay.opaque"

typedef enum { ACT_SET, ACT_REMOVE, ACT_GET, ACT_LIST, ACT_MAKE_DEVICE } Act;

typedef struct {
    uint32_t act;
    uint32_t size; /* of the value that follows, or of the buffer for it */
    uint64_t device;
    uint32_t mode;
    char entry[NAME_MAX + 1]; /* "": the descriptor itself */
    char xattr[XATTR_NAME_MAX + 1];
} Request;

typedef struct {
    int64_t result; /* negative errno on failure */
} Answer;

enum { MAX_VALUE_BYTES = MAX(XATTR_SIZE_MAX, XATTR_LIST_MAX) };

static int keeper = -1;
static GMutex lock; /* one request at a time */

void berth_keeper_use(int socket) {
    keeper = socket;
}

bool berth_keeper_is_for(const char *xattr) {
    return g_str_has_prefix(xattr, TRUSTED_PREFIX) || g_str_has_prefix(xattr, SECURITY_PREFIX);
}

/* Of overlayfs's own attributes, only the opaque mark on a directory may be set: the others refer
 * to other places. */
static bool may_change(const Request *request, const char *value) {
    if (!g_str_has_prefix(request->xattr, OVERLAY_PREFIX))
        return berth_keeper_is_for(request->xattr);
    return request->act == ACT_SET && g_str_equal(request->xattr, OPAQUE_XATTR) &&
           request->size == 1 && value && value[0] == 'y';
}

/* The request comes from a worker that may be compromised, so its strings may be unterminated. */
static bool is_terminated(const char *text, size_t size) {
    return memchr(text, '\0', size) != NULL;
}

/* Accepts a single component that stays in its directory: the keeper does not resolve paths for a
 * worker. */
static bool is_entry_name(const char *name) {
    return name[0] != '\0' && !strchr(name, '/') && !g_str_equal(name, ".") &&
           !g_str_equal(name, "..");
}

/* The complete policy. An act that is not in the enumeration falls through to false. Devices have
 * no set-id or sticky bit. */
static bool is_allowed(const Request *request, const char *value) {
    if (!is_terminated(request->entry, sizeof request->entry) ||
        !is_terminated(request->xattr, sizeof request->xattr) || request->size > MAX_VALUE_BYTES)
        return false;
    switch ((Act)request->act) {
    case ACT_SET:
        return may_change(request, value) && (!request->entry[0] || is_entry_name(request->entry));
    case ACT_REMOVE:
        return may_change(request, value);
    case ACT_GET:
        return g_str_has_prefix(request->xattr, TRUSTED_PREFIX);
    case ACT_LIST:
        return true;
    case ACT_MAKE_DEVICE:
        return is_entry_name(request->entry) &&
               (S_ISCHR(request->mode) || S_ISBLK(request->mode)) &&
               (request->mode & ~(uint32_t)(S_IFMT | 0777)) == 0;
    }
    return false;
}

static int set_xattr(const Request *request, int fd, const char *value) {
    if (!request->entry[0])
        return fsetxattr(fd, request->xattr, value, request->size, 0);
    /* setxattrat(2) exists only since Linux 6.13. */
    return fchdir(fd) < 0 ? -1 : lsetxattr(request->entry, request->xattr, value, request->size, 0);
}

/* value is the value to set, or the buffer for the data read. */
static ssize_t keeper_perform(const Request *request, int fd, char *value) {
    if (!is_allowed(request, value)) {
        errno = EPERM;
        return -1;
    }
    switch ((Act)request->act) {
    case ACT_SET:
        return set_xattr(request, fd, value);
    case ACT_REMOVE:
        return fremovexattr(fd, request->xattr);
    case ACT_GET:
        return fgetxattr(fd, request->xattr, value, request->size);
    case ACT_LIST:
        return flistxattr(fd, value, request->size);
    case ACT_MAKE_DEVICE:
        return mknodat(fd, request->entry, request->mode, request->device);
    }
    g_assert_not_reached();
}

/* A worker could pass a descriptor of any file that it has access to, such as one in a lower layer;
 * only files on the mount of its own directory may be changed. statx(2) reports the ID of the mount
 * through which the descriptor was opened. */
static bool is_on_mount(int fd, uint64_t mount) {
    struct statx status;

    return statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &status) == 0 && status.stx_mnt_id == mount;
}

/* A request whose size does not match the data received is refused before value is used. */
static ssize_t answer_request(const Request *request, size_t received, int fd, char *value,
                              uint64_t mount) {
    bool reads = request->act == ACT_GET || request->act == ACT_LIST;

    if (fd < 0 || received < sizeof *request ||
        received - sizeof *request != (request->act == ACT_SET ? request->size : 0)) {
        errno = EINVAL;
        return -1;
    }
    if (!reads && mount != 0 && !is_on_mount(fd, mount)) {
        errno = EPERM;
        return -1;
    }
    return keeper_perform(request, fd, value);
}

/* The buffers are static, since both are large and only one request is served at a time. A
 * truncated message is answered like an empty one. The descriptor is closed after each request: the
 * keeper holds none that its worker has closed.
 *
 * Descriptors that wait in a socket count for the user of their sender (unix_inflight in the
 * kernel), root for each berth-unpack, and at 512 of them, no berth-unpack could send one to its
 * keeper. So a keeper never leaves requests waiting: it ends if its worker sends several
 * descriptors at once or does not receive its answers. */
void berth_keeper_serve(int socket, uint64_t mount) {
    static Request request;
    static char value[MAX_VALUE_BYTES];

    for (;;) {
        BerthRights rights;
        struct iovec parts[] = {{&request, sizeof request}, {value, sizeof value}};
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = G_N_ELEMENTS(parts)};
        berth_rights_expect(&message, &rights);
        ssize_t received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
        if (received < 0 && errno == EINTR)
            continue;
        if (received <= 0)
            _exit(0);
        int fd = berth_rights_take(&message);
        if (message.msg_flags & MSG_CTRUNC)
            _exit(1);
        bool whole = !(message.msg_flags & MSG_TRUNC);
        ssize_t r = answer_request(&request, whole ? (size_t)received : 0, fd, value, mount);
        bool has_read =
            r > 0 && (request.act == ACT_GET || request.act == ACT_LIST) && request.size > 0;
        Answer answer = {r < 0 ? -errno : r};
        if (fd >= 0)
            close(fd);
        parts[0] = (struct iovec){&answer, sizeof answer};
        parts[1] = (struct iovec){value, has_read ? (size_t)r : 0};
        message = (struct msghdr){.msg_iov = parts, .msg_iovlen = G_N_ELEMENTS(parts)};
        if (sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            _exit(1);
    }
}

static bool keeper_send_request(const Request *request, int fd, const void *value) {
    BerthRights rights;
    struct iovec parts[] = {{(void *)request, sizeof *request},
                            {(void *)value, request->act == ACT_SET ? request->size : 0}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = G_N_ELEMENTS(parts)};
    ssize_t sent;

    berth_rights_add(&message, &rights, fd);
    while ((sent = sendmsg(keeper, &message, MSG_NOSIGNAL)) < 0 && errno == EINTR)
        ;
    return sent >= 0;
}

/* Returns a number, or -1 with the keeper's errno, like a system call. If the keeper has died,
 * errno is ECONNRESET. */
static ssize_t receive_answer(void *value, size_t room) {
    Answer answer;
    struct iovec parts[] = {{&answer, sizeof answer}, {value, room}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = G_N_ELEMENTS(parts)};
    ssize_t received;

    while ((received = recvmsg(keeper, &message, 0)) < 0 && errno == EINTR)
        ;
    if (received < 0)
        return -1;
    if ((size_t)received < sizeof answer) {
        errno = ECONNRESET;
        return -1;
    }
    if (answer.result >= 0)
        return (ssize_t)answer.result;
    errno = (int)-answer.result;
    return -1;
}

static ssize_t ask_keeper(const Request *request, int fd, void *value) {
    bool reads = request->act == ACT_GET || request->act == ACT_LIST;

    if (keeper < 0)
        return keeper_perform(request, fd, value);
    g_mutex_lock(&lock);
    ssize_t r = keeper_send_request(request, fd, value)
                    ? receive_answer(value, reads ? request->size : 0)
                    : -1;
    int errnum = errno;
    g_mutex_unlock(&lock);
    errno = errnum;
    return r;
}

static ssize_t ask_about(Act act, int fd, const char *entry, const char *xattr, void *value,
                         size_t size) {
    Request request = {.act = act, .size = (uint32_t)MIN(size, MAX_VALUE_BYTES)};

    if (size > MAX_VALUE_BYTES && act == ACT_SET) {
        errno = E2BIG;
        return -1;
    }
    if (g_strlcpy(request.entry, entry ? entry : "", sizeof request.entry) >=
            sizeof request.entry ||
        g_strlcpy(request.xattr, xattr, sizeof request.xattr) >= sizeof request.xattr) {
        errno = ERANGE;
        return -1;
    }
    return ask_keeper(&request, fd, value);
}

int berth_keeper_set_xattr(int fd, const char *entry, const char *xattr, const void *value,
                           size_t size) {
    return (int)ask_about(ACT_SET, fd, entry, xattr, (void *)value, size);
}

int berth_keeper_remove_xattr(int fd, const char *xattr) {
    return (int)ask_about(ACT_REMOVE, fd, NULL, xattr, NULL, 0);
}

ssize_t berth_keeper_get_xattr(int fd, const char *xattr, void *value, size_t size) {
    return ask_about(ACT_GET, fd, NULL, xattr, value, size);
}

ssize_t berth_keeper_list_xattrs(int fd, char *names, size_t size) {
    return ask_about(ACT_LIST, fd, NULL, "", names, size);
}

int berth_keeper_make_device(int directory, const char *entry, mode_t mode, dev_t device) {
    Request request = {.act = ACT_MAKE_DEVICE, .mode = mode, .device = device};

    if (g_strlcpy(request.entry, entry, sizeof request.entry) >= sizeof request.entry) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return (int)ask_keeper(&request, directory, NULL);
}
