/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The ring is a sealed memfd with a header that counts all bytes ever written. A position in it
 * (BerthScreen) belongs to one attached client; the ring is shared by all processes that have it
 * open. A process that holds the lock is the reader, and may be killed at any instruction: bytes
 * are read into a reserved part of the ring before they are counted, so that the next reader finds
 * them.
 */

#include "base/screen.h"

#include "base/fd.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

/* The file format, documented at Attach in introspection/org.berth1.Containers.xml. */
typedef struct {
    uint64_t written; /* number of bytes ever written */
    uint64_t unused[6];
    uint64_t reading; /* the value of written when the current read began, plus one; 0: no read */
    uint8_t ring[BERTH_SCREEN_BYTES];
} Content;

G_STATIC_ASSERT(offsetof(Content, reading) == 56 && offsetof(Content, ring) == 64);

int berth_screen_new(GError **error) {
    berth_autofd int file = memfd_create("berth-screen", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (file < 0 || ftruncate(file, sizeof(Content)) < 0 ||
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

static bool lock_screen(int file, short type) {
    struct flock whole = {.l_type = type, .l_whence = SEEK_SET};

    return fcntl(file, F_OFD_SETLK, &whole) == 0;
}

/* Every attached client may write to the header at any time, so a value on which a decision depends
 * is loaded only once. */
static uint64_t load_screen_header(const uint64_t *value) {
    return __atomic_load_n(value, __ATOMIC_ACQUIRE);
}

/* Stored in this order, for a reader that follows one killed in between. */
static void store_screen_header(uint64_t *value, uint64_t number) {
    __atomic_store_n(value, number, __ATOMIC_RELEASE);
}

/* The ring has overwritten older bytes: the rest begins inside a line, or inside an escape
 * sequence. */
static void drop_broken_line(GByteArray *fresh, guint from) {
    const uint8_t *end = memchr(fresh->data + from, '\n', fresh->len - from);

    if (end)
        g_byte_array_remove_range(fresh, from, (guint)(end + 1 - (fresh->data + from)));
}

static void copy_fresh(BerthScreen *screen, const Content *content, GByteArray *fresh) {
    uint64_t written = load_screen_header(&content->written);
    guint from = fresh->len;
    bool broken = false;

    /* The count never decreases unless a client writes to the header itself. */
    if (screen->position > written)
        screen->position = written;
    if (written - screen->position > BERTH_SCREEN_KEPT_BYTES) {
        screen->position = written - BERTH_SCREEN_KEPT_BYTES;
        broken = !screen->joined;
    }
    screen->joined = true;
    while (screen->position < written) {
        size_t place = screen->position % BERTH_SCREEN_BYTES;
        size_t part = MIN(written - screen->position, BERTH_SCREEN_BYTES - place);
        g_byte_array_append(fresh, content->ring + place, (guint)part);
        screen->position += part;
    }
    if (broken)
        drop_broken_line(fresh, from);
}

/* Finds the buffers for the next bytes: at the end of the ring, and for the rest at its
 * beginning. */
static void find_room(Content *content, uint64_t written, struct iovec room[2]) {
    size_t place = written % BERTH_SCREEN_BYTES;
    size_t first = MIN((size_t)BERTH_SCREEN_READ_BYTES, BERTH_SCREEN_BYTES - place);

    room[0] = (struct iovec){content->ring + place, first};
    room[1] = (struct iovec){content->ring, BERTH_SCREEN_READ_BYTES - first};
}

static size_t measure_screen(const struct iovec *room) {
    const uint8_t *bytes = room->iov_base;
    size_t size = room->iov_len;

    while (size > 0 && bytes[size - 1] == 0)
        size--;
    return size;
}

/* Counts the bytes read by a reader that was killed before it could count them. The buffers were
 * zeroed before the read. Only NUL bytes at the end are lost, which no terminal displays. */
static bool recover_screen(Content *content) {
    uint64_t reading = load_screen_header(&content->reading),
             written = load_screen_header(&content->written);
    struct iovec room[2];
    size_t size = 0;

    if (reading == 0)
        return false;
    if (reading - 1 == written) {
        find_room(content, written, room);
        size = measure_screen(&room[1]);
        size = size > 0 ? room[0].iov_len + size : measure_screen(&room[0]);
        store_screen_header(&content->written, written + size);
    }
    store_screen_header(&content->reading, 0);
    return size > 0;
}

static BerthScreenState read_master(Content *content, int master) {
    struct pollfd ready = {.fd = master, .events = POLLIN};
    uint64_t written = load_screen_header(&content->written);
    struct iovec room[2];
    ssize_t size;

    /* O_NONBLOCK belongs to the file description shared by all clients, one of which may have
     * cleared it. */
    if (poll(&ready, 1, 0) <= 0)
        return BERTH_SCREEN_QUIET;
    find_room(content, written, room);
    /* The buffers are zeroed before the mark is set: from then on, recover_screen() considers
     * everything that is not zero as read. */
    memset(room[0].iov_base, 0, room[0].iov_len);
    memset(room[1].iov_base, 0, room[1].iov_len);
    store_screen_header(&content->reading, written + 1);
    do
        size = readv(master, room, G_N_ELEMENTS(room));
    while (size < 0 && errno == EINTR);
    if (size > 0)
        store_screen_header(&content->written, written + (size_t)size);
    store_screen_header(&content->reading, 0);
    if (size > 0)
        return BERTH_SCREEN_MORE;
    /* A master returns EIO when the other side is closed. */
    return size < 0 && errno == EAGAIN ? BERTH_SCREEN_QUIET : BERTH_SCREEN_CLOSED;
}

static Content *get_content(BerthScreen *screen) {
    if (!screen->map) {
        void *map =
            mmap(NULL, sizeof(Content), PROT_READ | PROT_WRITE, MAP_SHARED, screen->file, 0);
        screen->map = map == MAP_FAILED ? NULL : map;
    }
    return screen->map;
}

void berth_screen_clear(BerthScreen *screen) {
    if (screen->map)
        munmap(screen->map, sizeof(Content));
    screen->map = NULL;
    berth_fd_clear(&screen->file);
}

BerthScreenState berth_screen_take(BerthScreen *screen, int master, GByteArray *fresh) {
    Content *content = get_content(screen);

    if (!content || !lock_screen(screen->file, F_WRLCK))
        return BERTH_SCREEN_BUSY;
    bool recovered = recover_screen(content);
    BerthScreenState state = read_master(content, master);
    if (fresh)
        copy_fresh(screen, content, fresh);
    lock_screen(screen->file, F_UNLCK);
    return recovered ? BERTH_SCREEN_MORE : state;
}
