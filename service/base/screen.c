/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/screen.h"

#include "base/fd.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* The file: how many bytes were ever written, who holds the terminal, and the ring. */
enum { HOLDER_OFFSET = 8, RING_OFFSET = 64, READ_BYTES = 16 * 1024 };

int berth_screen_new(GError **error) {
    berth_autofd int file = memfd_create("berth-screen", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (file < 0 || ftruncate(file, RING_OFFSET + BERTH_SCREEN_BYTES) < 0 ||
        fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
        berth_error_set_errno(error, errno, "make a screen");
        return -1;
    }
    return berth_fd_steal(&file);
}

int berth_screen_reopen(int file) {
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", file);

    return open(path, O_RDWR | O_CLOEXEC);
}

bool berth_screen_set_holder(int file, const char *name) {
    char holder[BERTH_SCREEN_HOLDER_BYTES] = "";

    g_strlcpy(holder, name, sizeof holder);
    return pwrite(file, holder, sizeof holder, HOLDER_OFFSET) == sizeof holder;
}

char *berth_screen_get_holder(int file) {
    char holder[BERTH_SCREEN_HOLDER_BYTES + 1] = "";

    return pread(file, holder, BERTH_SCREEN_HOLDER_BYTES, HOLDER_OFFSET) > 0 ? g_strdup(holder)
                                                                             : g_strdup("");
}

static bool lock(int file, short type) {
    struct flock whole = {.l_type = type, .l_whence = SEEK_SET};

    return fcntl(file, F_OFD_SETLK, &whole) == 0;
}

static uint64_t read_written(int file) {
    uint64_t written = 0;

    return pread(file, &written, sizeof written, 0) == sizeof written ? written : 0;
}

static void append(int file, const uint8_t *data, size_t size) {
    uint64_t written = read_written(file);

    while (size > 0) {
        size_t place = written % BERTH_SCREEN_BYTES;
        size_t part = MIN(size, BERTH_SCREEN_BYTES - place);
        if (pwrite(file, data, part, (off_t)(RING_OFFSET + place)) != (ssize_t)part)
            return;
        data += part;
        size -= part;
        written += part;
    }
    (void)!pwrite(file, &written, sizeof written, 0);
}

/* What was overwritten began somewhere in a line, or in an escape sequence. */
static void drop_broken_line(GByteArray *fresh, guint from) {
    const uint8_t *end = memchr(fresh->data + from, '\n', fresh->len - from);

    if (end)
        g_byte_array_remove_range(fresh, from, (guint)(end + 1 - (fresh->data + from)));
}

static void copy_fresh(BerthScreen *screen, GByteArray *fresh) {
    uint64_t written = read_written(screen->file);
    guint from = fresh->len;
    bool broken = false;

    /* Less than before is what no reader writes. */
    if (screen->position > written)
        screen->position = written;
    if (written - screen->position > BERTH_SCREEN_BYTES) {
        screen->position = written - BERTH_SCREEN_BYTES;
        broken = !screen->joined;
    }
    screen->joined = true;
    while (screen->position < written) {
        uint8_t buffer[READ_BYTES];
        size_t place = screen->position % BERTH_SCREEN_BYTES;
        size_t part =
            MIN(MIN(sizeof buffer, written - screen->position), BERTH_SCREEN_BYTES - place);
        if (pread(screen->file, buffer, part, (off_t)(RING_OFFSET + place)) != (ssize_t)part)
            break;
        g_byte_array_append(fresh, buffer, (guint)part);
        screen->position += part;
    }
    if (broken)
        drop_broken_line(fresh, from);
}

static BerthScreenState read_master(int file, int master) {
    uint8_t buffer[READ_BYTES];
    ssize_t size;

    do
        size = read(master, buffer, sizeof buffer);
    while (size < 0 && errno == EINTR);
    if (size > 0) {
        append(file, buffer, (size_t)size);
        return BERTH_SCREEN_MORE;
    }
    /* EIO is what a master gives when the other side is closed. */
    return size < 0 && errno == EAGAIN ? BERTH_SCREEN_QUIET : BERTH_SCREEN_CLOSED;
}

BerthScreenState berth_screen_take(BerthScreen *screen, int master, GByteArray *fresh) {
    if (!lock(screen->file, F_WRLCK))
        return BERTH_SCREEN_BUSY;
    BerthScreenState state = read_master(screen->file, master);
    if (fresh)
        copy_fresh(screen, fresh);
    lock(screen->file, F_UNLCK);
    return state;
}
