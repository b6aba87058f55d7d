/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Connects the terminal that dist was started in to one of a container. dist's terminal is in raw
 * mode until the DistTerminal is freed; its owner must do that before dist exits, or the user's
 * shell is left with it. Input is written to the master. Output is shared by all attached clients:
 * each byte of the master reaches one reader only, which puts it into the screen for the others and
 * rings the bell (base/screen.h).
 */

#include "client/terminal.h"

#include "base/fd.h"
#include "base/screen.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

/* MAX_LAST_READS reads take more than the kernel buffers of a terminal after its process has
 * exited. */
enum { BUFFER_BYTES = 32 * 1024, MAX_KEYS = 16, MAX_LAST_READS = 64 };

/* Time to wait before trying again if another client is reading the master. */
#define BUSY_USEC 10000

/* How often the terminal's mode is checked after the end of the input. */
enum { MAX_END_CHECKS = 100 };
#define END_CHECK_USEC (100 * 1000)

struct DistTerminal {
    int master, bell;
    BerthScreen screen;
    bool raw;
    struct termios before;
    sd_event *event;
    sd_event_source *input, *output, *rung, *busy;
    sd_event_source *ended; /* set after the end of the input; NULL before */
    unsigned end_checks;    /* how often it has fired */
    unsigned char keys[MAX_KEYS];
    size_t key_count, matched;
    DistDetached detached;
    void *userdata;
};

/* One key: a character, or ctrl- followed by a letter or one of @ [ ] ^ _ \. */
static bool parse_key(const char *name, unsigned char *key) {
    if (strlen(name) == 1) {
        *key = (unsigned char)name[0];
        return true;
    }
    if (g_ascii_strncasecmp(name, "ctrl-", 5) != 0 || strlen(name) != 6)
        return false;
    char letter = g_ascii_toupper(name[5]);
    /* A control character is the lowest five bits of its letter. */
    *key = (unsigned char)(letter & 0x1f);
    return g_ascii_isupper(letter) || strchr("@[]^_\\", letter) != NULL;
}

static bool parse_keys(const char *keys, unsigned char *parsed, size_t *count, GError **error) {
    g_auto(GStrv) names = g_strsplit(keys, ",", -1);

    *count = 0;
    for (char **name = names; keys[0] && *name; name++)
        if (*count >= MAX_KEYS || !parse_key(*name, &parsed[(*count)++]))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   _("invalid keys \"%s\"; use a form such as ctrl-p,ctrl-q"),
                                   keys);
    return true;
}

bool dist_terminal_check_keys(const char *keys, GError **error) {
    unsigned char parsed[MAX_KEYS];
    size_t count;

    return parse_keys(keys, parsed, &count, error);
}

bool dist_terminal_get_size(uint32_t *rows, uint32_t *columns) {
    struct winsize size;

    for (int fd = 0; fd < 3; fd++)
        if (isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0) {
            *rows = size.ws_row;
            *columns = size.ws_col;
            return true;
        }
    return false;
}

/* The master is non-blocking and accepts little while no process reads from the other side. */
static bool write_to_master(DistTerminal *terminal, const unsigned char *data, size_t size) {
    while (size > 0) {
        ssize_t written = write(terminal->master, data, size);
        if (written < 0 && errno == EAGAIN) {
            struct pollfd poll_fd = {.fd = terminal->master, .events = POLLOUT};
            if (poll(&poll_fd, 1, -1) > 0 && !(poll_fd.revents & (POLLERR | POLLHUP)))
                continue;
        }
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        data += written;
        size -= (size_t)written;
    }
    return true;
}

/* Appends the input without the detach keys to out; returns true once those are complete. Keys that
 * may begin the sequence are held back, and passed on when another key follows. */
static bool filter_detach_keys(DistTerminal *terminal, const unsigned char *data, size_t size,
                               GByteArray *out) {
    for (size_t i = 0; i < size; i++) {
        if (terminal->key_count > 0 && data[i] == terminal->keys[terminal->matched]) {
            if (++terminal->matched == terminal->key_count)
                return true;
            continue;
        }
        if (terminal->matched > 0) {
            g_byte_array_append(out, terminal->keys, (guint)terminal->matched);
            terminal->matched = 0;
            /* This byte may itself begin the sequence: check it again. */
            i--;
            continue;
        }
        g_byte_array_append(out, &data[i], 1);
    }
    return false;
}

/* The end of a file or a pipe is sent as the end-of-file key, Ctrl-D: there is no other way to
 * signal it through the master. Returns whether the terminal is in canonical mode. */
static bool terminal_send_end(DistTerminal *terminal) {
    const unsigned char end = 4;
    struct termios settings;

    return write_to_master(terminal, &end, 1) && tcgetattr(terminal->master, &settings) == 0 &&
           (settings.c_lflag & ICANON);
}

/* If the terminal takes the key as an end of file in canonical mode, a shell that then reads single
 * keys does not see it (termios(3), ICANON): the key is sent again when that mode ends. */
static int terminal_on_ended(sd_event_source *source, uint64_t usec, void *userdata) {
    DistTerminal *terminal = userdata;
    struct termios settings;

    (void)usec;
    if (tcgetattr(terminal->master, &settings) < 0 || ++terminal->end_checks > MAX_END_CHECKS)
        return 0;
    if (!(settings.c_lflag & ICANON)) {
        terminal_send_end(terminal);
        return 0;
    }
    sd_event_source_set_time_relative(source, END_CHECK_USEC);
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void terminal_end_input(DistTerminal *terminal) {
    if (terminal_send_end(terminal))
        (void)sd_event_add_time_relative(terminal->event, &terminal->ended, CLOCK_MONOTONIC,
                                         END_CHECK_USEC, 0, terminal_on_ended, terminal);
}

static int terminal_on_input(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    DistTerminal *terminal = userdata;
    unsigned char buffer[BUFFER_BYTES];
    g_autoptr(GByteArray) out = g_byte_array_new();
    ssize_t size = read(fd, buffer, sizeof buffer);

    (void)events;
    if (size < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (size <= 0) {
        terminal_end_input(terminal);
        return sd_event_source_set_enabled(source, SD_EVENT_OFF);
    }
    bool detach = filter_detach_keys(terminal, buffer, (size_t)size, out);
    if (!write_to_master(terminal, out->data, out->len))
        return sd_event_source_set_enabled(source, SD_EVENT_OFF);
    if (detach)
        terminal->detached(terminal->userdata);
    return 0;
}

static BerthScreenState copy_output(DistTerminal *terminal) {
    g_autoptr(GByteArray) fresh = g_byte_array_new();
    BerthScreenState state = berth_screen_take(&terminal->screen, terminal->master, fresh);
    uint64_t one = 1;

    if (state == BERTH_SCREEN_MORE)
        (void)!write(terminal->bell, &one, sizeof one);
    /* A failure to show the output is ignored: this client still has to read for the others. */
    if (fresh->len > 0)
        (void)berth_fd_write_all(STDOUT_FILENO, fresh->data, fresh->len);
    return state;
}

/* For the master, and for the bell, whose counter nobody reads; both are edge-triggered (epoll(7)).
 * After each read the event mask is set again, so that remaining data is reported in the next
 * iteration of the loop and input gets its turn. A terminal whose other side is closed may be
 * opened again, so it is still watched. */
static int on_output(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    DistTerminal *terminal = userdata;

    (void)source;
    (void)fd;
    (void)events;
    switch (copy_output(terminal)) {
    case BERTH_SCREEN_MORE:
        return sd_event_source_set_io_events(terminal->output, EPOLLIN | EPOLLET);
    case BERTH_SCREEN_BUSY:
        sd_event_source_set_time_relative(terminal->busy, BUSY_USEC);
        return sd_event_source_set_enabled(terminal->busy, SD_EVENT_ONESHOT);
    case BERTH_SCREEN_QUIET:
    case BERTH_SCREEN_CLOSED:
    default:
        return 0;
    }
}

static int on_busy(sd_event_source *source, uint64_t usec, void *userdata) {
    (void)usec;
    return on_output(source, -1, 0, userdata);
}

static bool terminal_make_raw(DistTerminal *terminal, GError **error) {
    struct termios raw;

    if (!isatty(STDIN_FILENO))
        return true;
    if (tcgetattr(STDIN_FILENO, &terminal->before) < 0)
        return berth_error_set_errno(error, errno, "%s", _("read the terminal's settings"));
    raw = terminal->before;
    cfmakeraw(&raw);
    if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0)
        return berth_error_set_errno(error, errno, "%s", _("change the terminal's settings"));
    return terminal->raw = true;
}

/* epoll(7) refuses plain files and /dev/null with EPERM: they are read at once. */
static void terminal_copy_input(DistTerminal *terminal) {
    unsigned char buffer[BUFFER_BYTES];
    ssize_t size;

    do
        size = read(STDIN_FILENO, buffer, sizeof buffer);
    while (size > 0 && write_to_master(terminal, buffer, (size_t)size));
    terminal_end_input(terminal);
}

static int watch_output(DistTerminal *terminal, sd_event *event) {
    int r;

    if ((r = sd_event_add_io(event, &terminal->output, terminal->master, EPOLLIN | EPOLLET,
                             on_output, terminal)) < 0 ||
        (r = sd_event_add_io(event, &terminal->rung, terminal->bell, EPOLLIN | EPOLLET, on_output,
                             terminal)) < 0)
        return r;
    /* Fires at once, to show what is on the screen already. */
    return sd_event_add_time_relative(event, &terminal->busy, CLOCK_MONOTONIC, 0, 0, on_busy,
                                      terminal);
}

DistTerminal *dist_terminal_join(sd_event *event, const DistAttachment *attachment,
                                 const char *detach_keys, DistDetached detached, void *userdata,
                                 GError **error) {
    g_autoptr(DistTerminal) terminal = g_new0(DistTerminal, 1);
    int r;

    terminal->master = attachment->master;
    terminal->screen.file = attachment->screen;
    terminal->bell = attachment->bell;
    terminal->event = event;
    terminal->detached = detached;
    terminal->userdata = userdata;
    if (!parse_keys(detach_keys, terminal->keys, &terminal->key_count, error) ||
        !terminal_make_raw(terminal, error))
        return NULL;
    if ((r = watch_output(terminal, event)) < 0) {
        berth_error_set_errno(error, r, "%s", _("watch the terminal"));
        return NULL;
    }
    /* Standard input may be closed (EBADF): output is shown nevertheless. */
    r = sd_event_add_io(event, &terminal->input, STDIN_FILENO, EPOLLIN, terminal_on_input,
                        terminal);
    if (r == -EPERM)
        terminal_copy_input(terminal);
    else if (r < 0 && r != -EBADF) {
        berth_error_set_errno(error, r, "%s", _("watch the terminal"));
        return NULL;
    }
    return g_steal_pointer(&terminal);
}

void dist_terminal_free(DistTerminal *terminal) {
    if (!terminal)
        return;
    if (terminal->output) {
        sd_event_source_disable_unref(terminal->output);
        for (int i = 0; i < MAX_LAST_READS && copy_output(terminal) == BERTH_SCREEN_MORE; i++)
            ;
    }
    if (terminal->rung)
        sd_event_source_disable_unref(terminal->rung);
    if (terminal->busy)
        sd_event_source_disable_unref(terminal->busy);
    if (terminal->input)
        sd_event_source_disable_unref(terminal->input);
    sd_event_source_disable_unref(terminal->ended);
    if (terminal->raw)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal->before);
    berth_fd_clear(&terminal->master);
    berth_screen_clear(&terminal->screen);
    berth_fd_clear(&terminal->bell);
    g_free(terminal);
}
