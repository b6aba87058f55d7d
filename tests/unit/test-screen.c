/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The output of a terminal, shared by several readers. */

#include "base/fd.h"
#include "base/screen.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

static int file, master, other;

static void set_up(void) {
    int sockets[2];

    file = berth_screen_new(NULL);
    g_assert_cmpint(file, >=, 0);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets), ==,
                    0);
    master = sockets[0];
    other = sockets[1];
}

static void tear_down(void) {
    berth_fd_clear(&file);
    berth_fd_clear(&master);
    berth_fd_clear(&other);
}

static BerthScreen join(void) {
    BerthScreen screen = {.file = berth_screen_reopen(file)};

    g_assert_cmpint(screen.file, >=, 0);
    return screen;
}

static void show(const char *text) {
    g_assert_true(berth_fd_write_all(other, text, strlen(text)));
}

static void expect(BerthScreen *screen, BerthScreenState state, const char *text) {
    g_autoptr(GByteArray) fresh = g_byte_array_new();

    g_assert_cmpint(berth_screen_take(screen, master, fresh), ==, state);
    g_assert_cmpmem(fresh->data, fresh->len, text, strlen(text));
}

static void test_all_readers_see_all_output(void) {
    set_up();
    BerthScreen first = join(), second = join();
    show("one ");
    expect(&first, BERTH_SCREEN_MORE, "one ");
    expect(&first, BERTH_SCREEN_QUIET, "");
    show("two ");
    expect(&second, BERTH_SCREEN_MORE, "one two ");
    expect(&first, BERTH_SCREEN_QUIET, "two ");
    berth_fd_clear(&other);
    expect(&second, BERTH_SCREEN_CLOSED, "");
    berth_screen_clear(&first);
    berth_screen_clear(&second);
    tear_down();
}

static void test_one_reader_reads_at_a_time(void) {
    set_up();
    BerthScreen first = join(), second = join();
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    show("text");
    g_assert_cmpint(fcntl(first.file, F_OFD_SETLK, &whole), ==, 0);
    expect(&second, BERTH_SCREEN_BUSY, "");
    /* The lock disappears with its holder. */
    berth_screen_clear(&first);
    expect(&second, BERTH_SCREEN_MORE, "text");
    berth_screen_clear(&second);
    tear_down();
}

/* Lines of 15 bytes, so many that the ring wraps more than once. */
static void test_late_reader_sees_whole_lines(void) {
    const unsigned lines = 3 * BERTH_SCREEN_BYTES / 15 + 7;
    g_autoptr(GByteArray) fresh = g_byte_array_new();
    char line[32];

    set_up();
    BerthScreen first = join();
    /* This puts the oldest byte in the ring into the middle of a line. */
    show("x\n");
    for (unsigned i = 0; i < lines; i++) {
        g_snprintf(line, sizeof line, "line %09u\n", i);
        show(line);
        expect(&first, BERTH_SCREEN_MORE, i == 0 ? "x\nline 000000000\n" : line);
    }
    BerthScreen late = join();
    g_assert_cmpint(berth_screen_take(&late, master, fresh), ==, BERTH_SCREEN_QUIET);
    unsigned kept = fresh->len / 15;
    g_assert_cmpuint(fresh->len % 15, ==, 0);
    g_assert_cmpuint(kept, ==, (BERTH_SCREEN_KEPT_BYTES - 1) / 15);
    for (unsigned i = 0; i < kept; i++) {
        g_snprintf(line, sizeof line, "line %09u\n", lines - kept + i);
        g_assert_cmpmem(fresh->data + i * 15, 15, line, 15);
    }
    berth_screen_clear(&first);
    berth_screen_clear(&late);
    tear_down();
}

/* A slow reader loses what was overwritten, and sees the rest. */
static void test_slow_reader_continues(void) {
    g_autofree char *much = g_strnfill(BERTH_SCREEN_BYTES / 4, 'm');
    g_autoptr(GByteArray) fresh = g_byte_array_new();

    set_up();
    BerthScreen fast = join(), slow = join();
    show("begin");
    expect(&slow, BERTH_SCREEN_MORE, "begin");
    for (int i = 0; i < 6; i++) {
        show(much);
        while (berth_screen_take(&fast, master, NULL) == BERTH_SCREEN_MORE)
            ;
    }
    show("end");
    berth_screen_take(&slow, master, fresh);
    g_assert_cmpuint(fresh->len, ==, BERTH_SCREEN_KEPT_BYTES);
    g_assert_cmpmem(fresh->data + fresh->len - 4, 4, "mend", 4);
    berth_screen_clear(&fast);
    berth_screen_clear(&slow);
    tear_down();
}

/* Every attached client can write to the shared memory. */
static void test_corrupted_counts_are_harmless(void) {
    const uint64_t counts[] = {UINT64_MAX, 3, 0, UINT64_MAX / 2, BERTH_SCREEN_BYTES + 1};

    set_up();
    BerthScreen screen = join();
    show("text");
    expect(&screen, BERTH_SCREEN_MORE, "text");
    for (size_t i = 0; i < G_N_ELEMENTS(counts); i++) {
        g_autoptr(GByteArray) fresh = g_byte_array_new();
        g_assert_cmpint(pwrite(file, &counts[i], sizeof counts[i], 0), ==, sizeof counts[i]);
        berth_screen_take(&screen, master, fresh);
        g_assert_cmpuint(fresh->len, <=, BERTH_SCREEN_BYTES);
        show("more");
        berth_screen_take(&screen, master, fresh);
        g_assert_cmpuint(fresh->len, <=, 2 * BERTH_SCREEN_BYTES);
    }
    g_assert_cmpint(ftruncate(file, 0), <, 0);
    berth_screen_clear(&screen);
    tear_down();
}

/* Readers are killed at arbitrary points of a read: still, each byte is read once and in order. */
static void test_killed_reader_loses_no_output(void) {
    g_autoptr(GByteArray) fresh = g_byte_array_new(), all = g_byte_array_new();
    unsigned sent = 0;

    set_up();
    BerthScreen screen = join();
    for (int round = 0; round < 200; round++) {
        pid_t victim = fork();
        g_assert_cmpint(victim, >=, 0);
        if (victim == 0) {
            BerthScreen own = {.file = berth_screen_reopen(file)};
            for (;;)
                berth_screen_take(&own, master, NULL);
        }
        for (int i = 0; i < 200; i++) {
            g_autofree char *line = g_strdup_printf("%u\n", sent++);
            while (write(other, line, strlen(line)) < 0)
                g_assert_cmpint(errno, ==, EAGAIN);
        }
        g_assert_cmpint(kill(victim, SIGKILL), ==, 0);
        g_assert_cmpint(waitpid(victim, NULL, 0), ==, victim);
        while (berth_screen_take(&screen, master, fresh) == BERTH_SCREEN_MORE)
            ;
    }
    for (unsigned i = 0; i < sent; i++) {
        g_autofree char *line = g_strdup_printf("%u\n", i);
        g_byte_array_append(all, (const guint8 *)line, (guint)strlen(line));
    }
    g_assert_cmpmem(fresh->data, fresh->len, all->data, all->len);
    berth_screen_clear(&screen);
    tear_down();
}

/* A client that shares the master may have made its reads block. */
static void test_a_blocking_master_does_not_block_readers(void) {
    set_up();
    BerthScreen screen = join();
    g_assert_cmpint(fcntl(master, F_SETFL, fcntl(master, F_GETFL) & ~O_NONBLOCK), ==, 0);
    expect(&screen, BERTH_SCREEN_QUIET, "");
    show("text");
    expect(&screen, BERTH_SCREEN_MORE, "text");
    expect(&screen, BERTH_SCREEN_QUIET, "");
    berth_screen_clear(&screen);
    tear_down();
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/screen/all-readers-see-all-output", test_all_readers_see_all_output);
    g_test_add_func("/screen/one-reader-reads-at-a-time", test_one_reader_reads_at_a_time);
    g_test_add_func("/screen/late-reader-sees-whole-lines", test_late_reader_sees_whole_lines);
    g_test_add_func("/screen/slow-reader-continues", test_slow_reader_continues);
    g_test_add_func("/screen/corrupted-counts-are-harmless", test_corrupted_counts_are_harmless);
    g_test_add_func("/screen/killed-reader-loses-no-output", test_killed_reader_loses_no_output);
    g_test_add_func("/screen/a-blocking-master-does-not-block-readers",
                    test_a_blocking_master_does_not_block_readers);
    return g_test_run();
}
