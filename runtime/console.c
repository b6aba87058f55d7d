/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Connects two terminals. The outer one is raw, so that every byte passes unchanged; only the inner
 * one, the container's, echoes and generates signals. Each direction has one buffer, and is read
 * only while that is empty. A console is first open (only the outer terminal), then joined; its
 * owner frees it.
 *
 * When its process exits, the last output is still in the inner terminal. It is copied first; only
 * then is the outer terminal closed, so that its reader sees the output before the end of file.
 */

#include "console.h"

#include "base/fd.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>

enum { DRAIN_TIMEOUT_MSEC = 1000 };

typedef struct {
    int from, to;
    sd_event_source *readable, *writable;
    char buffer[4096];
    size_t start, end;
    bool finished;
} Direction;

struct RuntimeConsole {
    int in, out;           /* the outer terminal */
    int inner;             /* the container's master; -1 until it is joined */
    bool own;              /* one of the caller's, whose settings are restored */
    struct termios before; /* those settings */
    Direction typed, shown;
};

static RuntimeConsole *console_new(int in, int out) {
    RuntimeConsole *console = g_new0(RuntimeConsole, 1);

    console->in = in;
    console->out = out;
    console->inner = console->typed.from = console->typed.to = -1;
    console->shown.from = console->shown.to = -1;
    return console;
}

/* As in runc and crun: one message with the descriptor, and a name that receivers may display. */
static bool console_send_descriptor(int to, int fd) {
    static const char name[] = "/dev/ptmx";
    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr header;
    } control = {.space = {0}};
    struct iovec data = {.iov_base = (char *)name, .iov_len = sizeof(name) - 1};
    struct msghdr message = {
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = control.space,
        .msg_controllen = sizeof(control.space),
    };

    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
    return sendmsg(to, &message, MSG_NOSIGNAL) >= 0;
}

static int console_connect(const char *path, GError **error) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    berth_autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (strlen(path) >= sizeof(address.sun_path)) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                        "the path of the console socket is longer than %zu bytes: %s",
                        sizeof(address.sun_path) - 1, path);
        return -1;
    }
    strcpy(address.sun_path, path);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        berth_error_set_errno(error, errno, "connect to console socket %s", path);
        return -1;
    }
    return berth_fd_steal(&fd);
}

/* The slave becomes the controlling terminal of this process if it is a session leader, so that
 * SIGWINCH reports new sizes. */
RuntimeConsole *runtime_console_send(const char *socket_path, GError **error) {
    berth_autofd int receiver = console_connect(socket_path, error);
    struct termios settings;
    char name[64];

    if (receiver < 0)
        return NULL;
    berth_autofd int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
        ptsname_r(master, name, sizeof(name)) != 0) {
        berth_error_set_errno(error, errno, "make a pseudo-terminal");
        return NULL;
    }
    berth_autofd int slave = open(name, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (slave < 0 || tcgetattr(slave, &settings) < 0) {
        berth_error_set_errno(error, errno, "open %s", name);
        return NULL;
    }
    cfmakeraw(&settings);
    if (tcsetattr(slave, TCSANOW, &settings) < 0 || !console_send_descriptor(receiver, master)) {
        berth_error_set_errno(error, errno, "send the terminal to console socket %s", socket_path);
        return NULL;
    }
    int out = fcntl(slave, F_DUPFD_CLOEXEC, 3);
    return console_new(berth_fd_steal(&slave), out);
}

/* A standard input that is not a terminal, such as a pipe, is used as well; it has no settings to
 * restore. */
RuntimeConsole *runtime_console_use_own(GError **error) {
    struct termios settings;

    int in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3),
        out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

    if (in < 0 || out < 0) {
        berth_error_set_errno(error, errno, "use the standard input and output as a terminal");
        berth_fd_clear(&in);
        berth_fd_clear(&out);
        return NULL;
    }
    RuntimeConsole *console = console_new(in, out);
    if (tcgetattr(in, &settings) == 0) {
        console->own = true;
        console->before = settings;
    }
    return console;
}

static void direction_stop(Direction *direction) {
    direction->finished = true;
    direction->readable = sd_event_source_disable_unref(direction->readable);
    direction->writable = sd_event_source_disable_unref(direction->writable);
}

/* Watches for input or for room, never for both: a writable descriptor would keep waking the loop
 * while there is nothing to write. */
static void direction_balance(Direction *direction) {
    bool empty = direction->start == direction->end;

    (void)sd_event_source_set_enabled(direction->readable, empty ? SD_EVENT_ON : SD_EVENT_OFF);
    (void)sd_event_source_set_enabled(direction->writable, empty ? SD_EVENT_OFF : SD_EVENT_ON);
}

static int direction_on_ready_to_read(sd_event_source *source, void *userdata) {
    Direction *direction = userdata;

    (void)source;
    ssize_t n = read(direction->from, direction->buffer, sizeof(direction->buffer));
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    /* EIO: the other side of the terminal has been closed by everybody. */
    if (n <= 0) {
        direction_stop(direction);
        return 0;
    }
    direction->start = 0;
    direction->end = (size_t)n;
    direction_balance(direction);
    return 0;
}

static int direction_on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    (void)fd, (void)events;
    return direction_on_ready_to_read(source, userdata);
}

static int direction_on_ready_to_write(sd_event_source *source, void *userdata) {
    Direction *direction = userdata;

    (void)source;
    ssize_t n = write(direction->to, direction->buffer + direction->start,
                      direction->end - direction->start);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    /* If the reader is gone, further output is discarded: otherwise the container would block
     * forever. */
    direction->start = n < 0 ? direction->end : direction->start + (size_t)n;
    direction_balance(direction);
    return 0;
}

static int direction_on_writable(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    (void)fd, (void)events;
    return direction_on_ready_to_write(source, userdata);
}

/* epoll(7) refuses files and /dev/null, which are always ready. */
static int direction_watch(sd_event *event, sd_event_source **source, int fd, uint32_t events,
                           sd_event_io_handler_t on_event, sd_event_handler_t on_ready,
                           Direction *direction) {
    int r = sd_event_add_io(event, source, fd, events, on_event, direction);

    return r == -EPERM ? sd_event_add_defer(event, source, on_ready, direction) : r;
}

/* Each direction has its own descriptors, since epoll(7) watches each one only once. */
static int direction_begin(Direction *direction, sd_event *event, int from, int to) {
    int r;

    direction->from = fcntl(from, F_DUPFD_CLOEXEC, 3);
    direction->to = fcntl(to, F_DUPFD_CLOEXEC, 3);
    if (direction->from < 0 || direction->to < 0)
        return -errno;
    if ((r = direction_watch(event, &direction->readable, direction->from, EPOLLIN,
                             direction_on_readable, direction_on_ready_to_read, direction)) < 0 ||
        (r = direction_watch(event, &direction->writable, direction->to, EPOLLOUT,
                             direction_on_writable, direction_on_ready_to_write, direction)) < 0)
        return r;
    direction_balance(direction);
    return 0;
}

void runtime_console_resize(RuntimeConsole *console) {
    struct winsize size;

    if (console->inner >= 0 && ioctl(console->in, TIOCGWINSZ, &size) == 0 && size.ws_row > 0)
        (void)ioctl(console->inner, TIOCSWINSZ, &size);
}

bool runtime_console_join(RuntimeConsole *console, sd_event *event, int master, GError **error) {
    struct termios raw = console->before;
    int r;

    console->inner = master;
    if (console->own) {
        cfmakeraw(&raw);
        (void)tcsetattr(console->in, TCSANOW, &raw);
    }
    runtime_console_resize(console);
    if ((r = direction_begin(&console->typed, event, console->in, master)) < 0 ||
        (r = direction_begin(&console->shown, event, master, console->out)) < 0)
        return berth_error_set_errno(error, r, "join the terminals");
    return true;
}

/* Writes the rest, for as long as its reader accepts it. */
static bool drain_write(int fd, const char *data, size_t size) {
    while (size > 0) {
        struct pollfd ready = {.fd = fd, .events = POLLOUT};
        if (poll(&ready, 1, DRAIN_TIMEOUT_MSEC) <= 0)
            return false;
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        data += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* Copies what is in the inner terminal without waiting for more. Only writing may wait, and for a
 * limited time: a reader that has stopped must not block the monitor. */
static void console_drain(Direction *direction) {
    bool going = drain_write(direction->to, direction->buffer + direction->start,
                             direction->end - direction->start);

    while (going && !direction->finished) {
        struct pollfd ready = {.fd = direction->from, .events = POLLIN};
        if (poll(&ready, 1, 0) <= 0)
            return;
        ssize_t n = read(direction->from, direction->buffer, sizeof(direction->buffer));
        if (n <= 0)
            return;
        going = drain_write(direction->to, direction->buffer, (size_t)n);
    }
}

static void direction_clear(Direction *direction) {
    direction_stop(direction);
    berth_fd_clear(&direction->from);
    berth_fd_clear(&direction->to);
}

/* TCSADRAIN: the settings change only after the last output has been displayed in raw mode. */
void runtime_console_free(RuntimeConsole *console) {
    if (console->inner >= 0)
        console_drain(&console->shown);
    if (console->own)
        (void)tcsetattr(console->in, TCSADRAIN, &console->before);
    direction_clear(&console->typed);
    direction_clear(&console->shown);
    berth_fd_clear(&console->in);
    berth_fd_clear(&console->out);
    berth_fd_clear(&console->inner);
    g_free(console);
}
