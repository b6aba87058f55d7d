/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "terminal.h"

#include "base/fd.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

enum { BUFFER_BYTES = 32 * 1024, MAX_KEYS = 16 };

struct DistTerminal {
    int master;
    bool raw;
    struct termios before;
    sd_event_source *input, *output;
    unsigned char keys[MAX_KEYS];
    size_t key_count, matched;
    DistDetached detached;
    void *userdata;
};

/* One key: a character, or ctrl- and a letter or one of @ [ ] ^ _ \. */
static bool parse_key(const char *name, unsigned char *key) {
    if (strlen(name) == 1) {
        *key = (unsigned char)name[0];
        return true;
    }
    if (g_ascii_strncasecmp(name, "ctrl-", 5) != 0 || strlen(name) != 6)
        return false;
    char letter = g_ascii_toupper(name[5]);
    *key = (unsigned char)(letter & 0x1f);
    return g_ascii_isupper(letter) || strchr("@[]^_\\", letter) != NULL;
}

static bool parse_keys(const char *keys, unsigned char *parsed, size_t *count, GError **error) {
    g_auto(GStrv) names = g_strsplit(keys, ",", -1);

    *count = 0;
    for (char **name = names; keys[0] && *name; name++)
        if (*count >= MAX_KEYS || !parse_key(*name, &parsed[(*count)++]))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   _("\"%s\" are no keys; write them as ctrl-p,ctrl-q"), keys);
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

/* A master takes little at a time when nobody reads on the other side. */
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

/* What was held back as the beginning of the detach keys is passed on when it was none. Returns
 * true when they are complete. */
static bool filter(DistTerminal *terminal, const unsigned char *data, size_t size,
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
            i--;
            continue;
        }
        g_byte_array_append(out, &data[i], 1);
    }
    return false;
}

static int on_input(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    DistTerminal *terminal = userdata;
    unsigned char buffer[BUFFER_BYTES];
    g_autoptr(GByteArray) out = g_byte_array_new();
    ssize_t size = read(fd, buffer, sizeof buffer);

    (void)events;
    if (size < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (size <= 0) {
        /* The end of a file or pipe is what the end-of-file key is on a terminal. */
        unsigned char end = 4;
        write_to_master(terminal, &end, 1);
        return sd_event_source_set_enabled(source, SD_EVENT_OFF);
    }
    bool detach = filter(terminal, buffer, (size_t)size, out);
    if (!write_to_master(terminal, out->data, out->len))
        return sd_event_source_set_enabled(source, SD_EVENT_OFF);
    if (detach)
        terminal->detached(terminal->userdata);
    return 0;
}

/* False when nothing is left: EIO is what a master gives when the other side is closed. */
static bool copy_output(DistTerminal *terminal) {
    char buffer[BUFFER_BYTES];
    ssize_t size = read(terminal->master, buffer, sizeof buffer);

    if (size < 0 && errno == EINTR)
        return true;
    return size > 0 && berth_fd_write_all(STDOUT_FILENO, buffer, (size_t)size);
}

static int on_output(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    (void)fd;
    (void)events;
    if (!copy_output(userdata) && errno != EAGAIN)
        return sd_event_source_set_enabled(source, SD_EVENT_OFF);
    return 0;
}

static bool make_raw(DistTerminal *terminal, GError **error) {
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

/* A plain file cannot be waited for: it is read at once. */
static void copy_file(DistTerminal *terminal) {
    unsigned char buffer[BUFFER_BYTES];
    ssize_t size;

    do
        size = read(STDIN_FILENO, buffer, sizeof buffer);
    while (size > 0 && write_to_master(terminal, buffer, (size_t)size));
}

DistTerminal *dist_terminal_join(sd_event *event, int master, const char *detach_keys,
                                 DistDetached detached, void *userdata, GError **error) {
    g_autoptr(DistTerminal) terminal = g_new0(DistTerminal, 1);
    int r;

    terminal->master = master;
    terminal->detached = detached;
    terminal->userdata = userdata;
    if (!parse_keys(detach_keys, terminal->keys, &terminal->key_count, error) ||
        !make_raw(terminal, error))
        return NULL;
    /* It is one open file with the service's and with those of others who are attached: reads that
     * find nothing return at once only because who else reads may have been faster. */
    fcntl(master, F_SETFL, fcntl(master, F_GETFL) | O_NONBLOCK);
    if ((r = sd_event_add_io(event, &terminal->output, master, EPOLLIN, on_output, terminal)) < 0) {
        berth_error_set_errno(error, r, "%s", _("watch the terminal"));
        return NULL;
    }
    r = sd_event_add_io(event, &terminal->input, STDIN_FILENO, EPOLLIN, on_input, terminal);
    if (r == -EPERM)
        copy_file(terminal);
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
        while (copy_output(terminal))
            ;
    }
    if (terminal->input)
        sd_event_source_disable_unref(terminal->input);
    if (terminal->raw)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal->before);
    berth_fd_clear(&terminal->master);
    g_free(terminal);
}
