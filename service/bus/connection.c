/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Connects to the system bus. The service itself makes the connection, so that the bus sees the
 * service's credentials, and writes to that socket. berth-relay reads from the socket and passes
 * the messages on through a second socket, with each descriptor wrapped in an envelope. sd-bus
 * accepts separate descriptors for input and output (sd_bus_set_fd(3)). The caller owns the bus.
 * The one thing to know: if either process exits, the connection ends.
 */

#include "bus/connection.h"

#include "base/bus-error.h"
#include "base/fd.h"
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define ADDRESS "unix:path="
#define STANDARD_PATH "/run/dbus/system_bus_socket"

/* The descriptors that berth-relay expects. A descriptor that is going to be duplicated onto one of
 * them must not already have one of these numbers: the first dup2(2) would overwrite the second. */
enum { SERVICE_FD = 3, BUS_FD = 4, FIRST_FREE_FD = 5 };

/* Accepts a single plain path only. Address lists (";"), further keys (",") and escapes ("%"), see
 * "Server Addresses" in the D-Bus specification, are not supported; the standard path is used
 * instead. */
static const char *find_path(void) {
    const char *address = g_getenv("DBUS_SYSTEM_BUS_ADDRESS");

    return address && g_str_has_prefix(address, ADDRESS) && !strpbrk(address, ",;%")
               ? address + strlen(ADDRESS)
               : STANDARD_PATH;
}

static int connect_to_bus(GError **error) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = find_path();
    berth_autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (g_strlcpy(address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path) {
        berth_error_set(error, BERTH_ERROR_INTERNAL, "the address of the bus is too long");
        return -1;
    }
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        berth_error_set_errno(error, errno, "connect to %s", path);
        return -1;
    }
    return berth_fd_steal(&fd);
}

/* The relay inherits only these two descriptors and the standard ones: all others are
 * close-on-exec, but dup2(2) clears that flag on its result. It gets an empty environment and
 * default signal settings, since the service blocks signals and ignores SIGPIPE. */
static bool start_relay(int service, int bus, GError **error) {
    char *arguments[] = {(char *)BERTH_LIBEXECDIR "/berth-relay", NULL};
    char *environment[] = {NULL};
    berth_autofd int first = fcntl(service, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
    berth_autofd int second = fcntl(bus, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    pid_t pid;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, first, SERVICE_FD);
    posix_spawn_file_actions_adddup2(&actions, second, BUS_FD);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int r = posix_spawn(&pid, arguments[0], &actions, &attributes, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    /* The relay is not watched: when it exits, the connection ends, and with it the service. */
    return r == 0 || berth_error_set_errno(error, r, "start %s", arguments[0]);
}

bool berth_bus_open_system(sd_bus **bus, int *socket, GError **error) {
    g_autoptr(sd_bus) new_bus = NULL;
    int sockets[2], r;
    berth_autofd int output = connect_to_bus(error);

    berth_autofd int kept = output < 0 ? -1 : fcntl(output, F_DUPFD_CLOEXEC, FIRST_FREE_FD);

    if (kept < 0)
        return false;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
        return berth_error_set_errno(error, errno, "make a socket");
    berth_autofd int input = sockets[0];
    berth_autofd int theirs = sockets[1];
    if (!start_relay(theirs, output, error))
        return false;
    if ((r = sd_bus_new(&new_bus)) < 0 || (r = sd_bus_set_fd(new_bus, input, output)) < 0)
        return berth_error_set_errno(error, r, "connect to the system bus");
    /* sd_bus_set_fd() has taken ownership of both. */
    berth_fd_steal(&input);
    berth_fd_steal(&output);
    if ((r = sd_bus_set_bus_client(new_bus, 1)) < 0 || (r = sd_bus_negotiate_fds(new_bus, 1)) < 0 ||
        (r = sd_bus_start(new_bus)) < 0)
        return berth_error_set_errno(error, r, "connect to the system bus");
    *bus = g_steal_pointer(&new_bus);
    *socket = berth_fd_steal(&kept);
    return true;
}
