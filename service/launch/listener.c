/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "launch/listener.h"

#include "base/fd.h"
#include "launch/trees.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static bool read_profile(const BerthPlan *plan, const char **path, const char **metadata,
                         GError **error) {
    *path = *metadata = NULL;
    return !plan->seccomp_profile ||
           (berth_document_get_string(plan->seccomp_profile, "listenerPath", path, error) &&
            berth_document_get_string(plan->seccomp_profile, "listenerMetadata", metadata, error));
}

int berth_listener_connect(const BerthPlan *plan, GError **error) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path, *metadata;
    berth_autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (!read_profile(plan, &path, &metadata, error))
        return -1;
    if (!path || path[0] != '/' || strlen(path) >= sizeof address.sun_path) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                        "seccomp: SCMP_ACT_NOTIFY needs a listenerPath, absolute and of less than "
                        "%zu characters",
                        sizeof address.sun_path);
        return -1;
    }
    strcpy(address.sun_path, path);
    if (!berth_trees_enter_host(error))
        return -1;
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        berth_error_set_errno(error, errno, "seccomp: connect to the listener at %s", path);
        return -1;
    }
    return berth_fd_steal(&fd);
}

/* config-linux.md, The Container Process State. */
static char *format(const BerthPlan *plan, JsonNode *state, pid_t pid) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    const char *path, *metadata = NULL;

    (void)read_profile(plan, &path, &metadata, NULL);
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "ociVersion");
    json_builder_add_string_value(builder, "1.0.2");
    json_builder_set_member_name(builder, "fds");
    json_builder_begin_array(builder);
    json_builder_add_string_value(builder, "seccompFd");
    json_builder_end_array(builder);
    json_builder_set_member_name(builder, "pid");
    json_builder_add_int_value(builder, pid);
    if (metadata) {
        json_builder_set_member_name(builder, "metadata");
        json_builder_add_string_value(builder, metadata);
    }
    json_builder_set_member_name(builder, "state");
    json_builder_add_value(builder, state);
    json_builder_end_object(builder);
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    return json_to_string(root, FALSE);
}

bool berth_listener_send(int socket, const BerthPlan *plan, JsonNode *state, pid_t pid, int filter,
                         GError **error) {
    g_autofree char *text = format(plan, state, pid);
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct iovec part = {text, strlen(text)};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof filter);
    memcpy(CMSG_DATA(header), &filter, sizeof filter);
    ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    /* The descriptor went with the first byte. */
    return (sent > 0 && berth_fd_write_all(socket, text + sent, strlen(text) - (size_t)sent)) ||
           berth_error_set_errno(error, errno, "seccomp: hand over to the listener");
}
