/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a worker sends reaches sd-bus only if it consists of messages of a limited length. */

#include "worker/worker-input.h"

#include "base/fd.h"
#include "base/limits.h"

#include <string.h>
#include <sys/socket.h>

#define GREETING "OK 0123456789abcdef0123456789ABCDEF\r\nAGREE_UNIX_FD\r\n"

static sd_event *event;
static BerthWorkerInput *input;
static int worker, passed;
static bool refused;

static void on_refused(void *userdata) {
    g_assert_true(userdata == &refused);
    g_assert_false(refused);
    refused = true;
}

static void set_up(void) {
    g_autoptr(GError) error = NULL;
    int ends[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
    g_assert_cmpint(sd_event_new(&event), >=, 0);
    worker = ends[0];
    refused = false;
    input = berth_worker_input_new(event, ends[1], &passed, on_refused, &refused, &error);
    g_assert_no_error(error);
    close(ends[1]);
}

static void tear_down(void) {
    berth_worker_input_free(input);
    event = sd_event_unref(event);
    berth_fd_clear(&worker);
    berth_fd_clear(&passed);
}

static void run(void) {
    while (sd_event_run(event, 0) > 0)
        ;
}

static void give(const void *data, size_t size) {
    g_assert_cmpint(send(worker, data, size, MSG_DONTWAIT | MSG_NOSIGNAL), ==, (ssize_t)size);
    run();
}

/* Whether exactly this arrives. */
static bool arrives(const void *data, size_t size) {
    g_autofree char *found = g_malloc(size + 1);

    return recv(passed, found, size + 1, MSG_DONTWAIT) == (ssize_t)size &&
           memcmp(found, data, size) == 0;
}

static bool has_ended(void) {
    char more;

    return recv(passed, &more, 1, MSG_DONTWAIT) == 0;
}

static void greet(void) {
    give(GREETING, strlen(GREETING));
    g_assert_true(arrives(GREETING, strlen(GREETING)));
}

typedef struct {
    char bytes[16];
} Header;

static Header header_of(bool is_little, uint32_t body, uint32_t fields) {
    Header header = {{is_little ? 'l' : 'B', 2, 0, 1}};

    body = is_little ? GUINT32_TO_LE(body) : GUINT32_TO_BE(body);
    fields = is_little ? GUINT32_TO_LE(fields) : GUINT32_TO_BE(fields);
    memcpy(header.bytes + 4, &body, sizeof body);
    memcpy(header.bytes + 12, &fields, sizeof fields);
    return header;
}

static void test_messages_arrive_unchanged(void) {
    for (int is_little = 0; is_little <= 1; is_little++) {
        /* 3 bytes of fields are padded to 8. */
        char two[2 * (16 + 8 + 5)] = {0};
        Header header = header_of(is_little, 5, 3);
        memcpy(two, header.bytes, sizeof header);
        memcpy(two + sizeof two / 2, header.bytes, sizeof header);
        two[sizeof two / 2 - 1] = two[sizeof two - 1] = 'x';
        set_up();
        greet();
        give(two, sizeof two);
        g_assert_true(arrives(two, sizeof two));
        give(two, sizeof two / 2 - 1);
        give(two + sizeof two / 2 - 1, 1);
        g_assert_true(arrives(two, sizeof two / 2));
        berth_fd_clear(&worker);
        run();
        g_assert_true(has_ended());
        g_assert_false(refused);
        tear_down();
    }
}

/* Nothing is lost when nobody reads for a while, and everything that was sent precedes the end. */
static void test_a_long_message_waits_for_its_reader(void) {
    enum { BYTES = BERTH_MAX_DOCUMENT_BYTES };
    Header header = header_of(true, BYTES, 0);
    g_autofree char *text = g_malloc(BYTES), *found = g_malloc(BYTES);
    size_t sent = 0, arrived = 0;

    for (size_t i = 0; i < BYTES; i++)
        text[i] = (char)(i * 7 / 5);
    set_up();
    greet();
    give(header.bytes, sizeof header);
    g_assert_true(arrives(header.bytes, sizeof header));
    while (arrived < BYTES) {
        ssize_t part;
        while (sent < BYTES && (part = send(worker, text + sent, BYTES - sent, MSG_DONTWAIT)) > 0)
            sent += (size_t)part;
        if (sent == BYTES)
            berth_fd_clear(&worker);
        /* More often than the output has room. */
        for (int i = 0; i < 20; i++)
            sd_event_run(event, 0);
        while (arrived < BYTES &&
               (part = recv(passed, found + arrived, BYTES - arrived, MSG_DONTWAIT)) > 0)
            arrived += (size_t)part;
    }
    g_assert_cmpmem(text, BYTES, found, BYTES);
    run();
    g_assert_true(has_ended());
    g_assert_false(refused);
    tear_down();
}

static void refuses(bool after_greeting, const void *data, size_t size) {
    set_up();
    if (after_greeting)
        greet();
    give(data, size);
    g_assert_true(refused);
    g_assert_true(has_ended());
    /* It does not try again. */
    (void)send(worker, GREETING, strlen(GREETING), MSG_DONTWAIT | MSG_NOSIGNAL);
    run();
    tear_down();
}

static void test_messages_that_are_too_long_are_refused_before_they_arrive(void) {
    static const struct {
        uint32_t body, fields;
    } sizes[] = {{64 * 1024 * 1024, 8},
                 {8, 64 * 1024 * 1024},
                 {UINT32_MAX, 0},
                 {0, UINT32_MAX},
                 {UINT32_MAX - 15, 1},
                 {UINT32_MAX, UINT32_MAX},
                 {3 * BERTH_MAX_DOCUMENT_BYTES, 0}};

    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++)
        for (int is_little = 0; is_little <= 1; is_little++) {
            Header header = header_of(is_little, sizes[i].body, sizes[i].fields);
            refuses(true, header.bytes, sizeof header);
        }
    /* A part of a header, and no header. */
    Header header = header_of(true, 8, 8);
    refuses(true, header.bytes, sizeof header - 1);
    refuses(true, GREETING, strlen(GREETING));
}

/* Otherwise sd-bus could take for the beginning of a message what is inside of one here. */
static void test_nothing_but_the_greeting_precedes_messages(void) {
    static const char *const others[] = {
        "l\2\1\1",
        "OK 0123456789abcdef0123456789abcdef\n\n",
        "OK 0123456789abcdef\r\n",
        "OK 0123456789abcdef0123456789abcdeg\r\n",
        "OK 0123456789abcdef0123456789abcdef",
        "AGREE_UNIX_FD\n",
        "ERROR\r\n",
        "DATA\r\n",
        "REJECTED\r\n",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(others); i++)
        refuses(false, others[i], strlen(others[i]));
    set_up();
    give(GREETING, strchr(GREETING, '\n') + 1 - GREETING);
    Header header = header_of(true, 8, 8);
    give(header.bytes, sizeof header);
    g_assert_true(refused);
    tear_down();
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/worker-input/messages-arrive-unchanged", test_messages_arrive_unchanged);
    g_test_add_func("/worker-input/a-long-message-waits-for-its-reader",
                    test_a_long_message_waits_for_its_reader);
    g_test_add_func("/worker-input/messages-that-are-too-long-are-refused-before-they-arrive",
                    test_messages_that_are_too_long_are_refused_before_they_arrive);
    g_test_add_func("/worker-input/nothing-but-the-greeting-precedes-messages",
                    test_nothing_but_the_greeting_precedes_messages);
    return g_test_run();
}
