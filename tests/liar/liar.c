/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Simulates a compromised worker: berthd starts it in place of a worker; it starts the real one
 * ("real-KIND" in the same directory), forwards all messages, and falsifies the replies to one
 * member. The file /run/liar contains "MEMBER LIE TEXT", where LIE is one of these:
 *
 *   text     every string is TEXT            digests   every digest is TEXT
 *   numbers  every number is the largest     flags     every flag is inverted
 *   lists    every list of strings gets 100000 more elements, which are TEXT
 *   drop     every list is empty             type      a reply of another type
 *   huge     a string of 16 MiB              never     no reply
 *   die      it kills itself                 error     an error whose text is 1 MiB long
 *   spoil    TEXT overwrites the beginning of the file that the worker has written
 *   grow     the file that the worker has written is extended beyond its limit
 *   twice    the reply comes twice           calls     a method call to berthd precedes the reply
 *   signals  a signal precedes the reply     files     the reply has descriptors of the file TEXT
 *   members  an archive has links without end, each with a long name
 *
 * With "once-" before the LIE, only the first process lies. Each lie appends a line "KIND MEMBER"
 * to /var/lib/berth/liar-record.
 */

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include <unistd.h>

enum {
    BUS_FD = 3,
    REPEATED = 100000,
    HUGE_BYTES = 16 * 1024 * 1024,
    GROWN_BYTES = 4 * 1024 * 1024 + 1,
    LONG_NAME = 4000
};

static struct {
    char *member, *lie, *text;
    const char *kind;
    sd_bus *real, *service;
} liar;

static bool lies(const char *how) {
    return g_str_equal(liar.lie, how);
}

static void check(int r) {
    if (r < 0)
        exit(EXIT_FAILURE);
}

/* Whether the reply to this member is to be falsified. If so, this is recorded. */
static bool must_lie(const char *member) {
    g_autofree char *line = g_strdup_printf("%s %s\n", liar.kind, member);
    bool once = g_str_has_prefix(liar.lie, "once-");

    if (!g_str_equal(member, liar.member))
        return false;
    int fd = open("/var/lib/berth/liar-record", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    check(fd);
    bool is_recorded = once && lseek(fd, 0, SEEK_END) > 0;
    if (!is_recorded && write(fd, line, strlen(line)) < 0)
        exit(EXIT_FAILURE);
    close(fd);
    if (once)
        memmove(liar.lie, liar.lie + strlen("once-"), strlen(liar.lie + strlen("once-")) + 1);
    return !is_recorded;
}

static void copy_values(sd_bus_message *to, sd_bus_message *from);

static void copy_basic(sd_bus_message *to, sd_bus_message *from, char type) {
    uint64_t value = 0;
    const char *text;

    if (type != 's') {
        check(sd_bus_message_read_basic(from, type, &value));
        if (type == 'b' && lies("flags"))
            value = !value;
        else if (lies("numbers") && strchr("tuxiqny", type))
            value = UINT64_MAX;
        check(sd_bus_message_append_basic(to, type, &value));
        return;
    }
    check(sd_bus_message_read_basic(from, 's', &text));
    bool is_digest = g_str_has_prefix(text, "sha256:") && strlen(text) == 71;
    check(sd_bus_message_append_basic(
        to, 's', lies("text") || (lies("digests") && is_digest) ? liar.text : text));
}

static void copy_array(sd_bus_message *to, sd_bus_message *from, const char *contents) {
    bool filled = lies("lists") && g_str_equal(contents, "s");

    check(sd_bus_message_enter_container(from, 'a', contents));
    check(sd_bus_message_open_container(to, 'a', contents));
    if (lies("drop"))
        while (sd_bus_message_skip(from, contents) > 0)
            ;
    else
        copy_values(to, from);
    for (int i = 0; filled && i < REPEATED; i++)
        check(sd_bus_message_append_basic(to, 's', liar.text));
    check(sd_bus_message_close_container(to));
    check(sd_bus_message_exit_container(from));
}

static void copy_values(sd_bus_message *to, sd_bus_message *from) {
    const char *contents;
    char type;

    while (sd_bus_message_peek_type(from, &type, &contents) > 0) {
        if (type == 'a') {
            copy_array(to, from, contents);
        } else if (contents) {
            check(sd_bus_message_enter_container(from, type, contents));
            check(sd_bus_message_open_container(to, type, contents));
            copy_values(to, from);
            check(sd_bus_message_close_container(to));
            check(sd_bus_message_exit_container(from));
        } else {
            copy_basic(to, from, type);
        }
    }
}

static void append_files(sd_bus_message *answer) {
    int fd = open(liar.text, O_RDWR | O_CLOEXEC);

    check(fd);
    check(sd_bus_message_append(answer, "ah", 4, fd, fd, fd, fd));
    close(fd);
}

/* Sends something unsolicited before the reply. */
static void send_more(void) {
    sd_bus_message *more = NULL;

    if (lies("signals"))
        check(sd_bus_message_new_signal(liar.service, &more, "/org/berth1/worker",
                                        "org.berth1.Worker", "Progress"));
    else
        check(sd_bus_message_new_method_call(liar.service, &more, NULL, "/org/berth1/images",
                                             "org.berth1.Images", "Delete"));
    check(sd_bus_message_append(more, "s", liar.text));
    check(sd_bus_send(liar.service, more, NULL));
    sd_bus_message_unref(more);
}

/* The reply of Next: a link that was not there before. */
static void append_member(sd_bus_message *answer) {
    static unsigned number;
    g_autofree char *filler = g_strnfill(LONG_NAME, 'x');
    g_autofree char *name = g_strdup_printf("%u%s", number++, filler);

    check(sd_bus_message_append(answer, "bstsbb", 1, name, (uint64_t)0, filler, 0, 0));
}

static void append_lie(sd_bus_message *answer, sd_bus_message *truth) {
    if (lies("signals") || lies("calls"))
        send_more();
    if (lies("files")) {
        append_files(answer);
    } else if (lies("members")) {
        append_member(answer);
    } else if (lies("type")) {
        check(sd_bus_message_append(answer, "(vx)", "s", liar.text, (int64_t)-1));
    } else if (lies("huge")) {
        g_autofree char *text = g_strnfill(HUGE_BYTES, 'x');
        check(sd_bus_message_append(answer, "s", text));
    } else {
        copy_values(answer, truth);
    }
}

/* The second argument of Gather is the file that it writes to, the first one of Extract. */
static void change_file(sd_bus_message *call) {
    int fd;

    check(sd_bus_message_rewind(call, true));
    if (g_str_equal(sd_bus_message_get_member(call), "Gather"))
        check(sd_bus_message_skip(call, "a(sh)"));
    check(sd_bus_message_read(call, "h", &fd));
    if (lies("grow") && ftruncate(fd, GROWN_BYTES) < 0)
        exit(EXIT_FAILURE);
    if (lies("spoil") && pwrite(fd, liar.text, strlen(liar.text) + 1, 0) < 0)
        exit(EXIT_FAILURE);
}

static void send_again(sd_bus_message *call, sd_bus_message *truth) {
    sd_bus_message *answer = NULL;

    check(sd_bus_message_rewind(truth, true));
    check(sd_bus_message_new_method_return(call, &answer));
    check(sd_bus_message_copy(answer, truth, true));
    check(sd_bus_send(NULL, answer, NULL));
    sd_bus_message_unref(answer);
}

static int on_answer(sd_bus_message *truth, void *userdata, sd_bus_error *error) {
    sd_bus_message *call = userdata, *answer = NULL;
    bool is_lie = must_lie(sd_bus_message_get_member(call));

    (void)error;
    if (is_lie && lies("never"))
        return 0;
    if (is_lie && lies("die"))
        raise(SIGKILL);
    if (is_lie && (lies("spoil") || lies("grow")))
        change_file(call);
    if (is_lie && lies("error")) {
        g_autofree char *text = g_strnfill(1024 * 1024, liar.text[0]);
        check(sd_bus_reply_method_errorf(call, "org.berth1.Error.NotFound", "%s", text));
    } else if (sd_bus_message_is_method_error(truth, NULL)) {
        check(sd_bus_reply_method_error(call, sd_bus_message_get_error(truth)));
    } else {
        check(sd_bus_message_new_method_return(call, &answer));
        if (is_lie)
            append_lie(answer, truth);
        else
            check(sd_bus_message_copy(answer, truth, true));
        check(sd_bus_send(NULL, answer, NULL));
        sd_bus_message_unref(answer);
        if (is_lie && lies("twice"))
            send_again(call, truth);
    }
    sd_bus_message_unref(call);
    return 0;
}

static int on_call(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    sd_bus_message *passed = NULL;

    (void)userdata;
    (void)error;
    if (!sd_bus_message_is_method_call(call, "org.berth1.Worker", NULL))
        return 0;
    check(sd_bus_message_new_method_call(liar.real, &passed, NULL, sd_bus_message_get_path(call),
                                         sd_bus_message_get_interface(call),
                                         sd_bus_message_get_member(call)));
    check(sd_bus_message_copy(passed, call, true));
    check(sd_bus_call_async(liar.real, NULL, passed, on_answer, sd_bus_message_ref(call),
                            UINT64_MAX));
    sd_bus_message_unref(passed);
    return 1;
}

static sd_bus *open_bus(int fd, bool is_server, sd_event *event) {
    sd_id128_t id;
    sd_bus *bus;

    check(sd_id128_randomize(&id));
    check(sd_bus_new(&bus));
    check(sd_bus_set_fd(bus, fd, fd));
    if (is_server)
        check(sd_bus_set_server(bus, 1, id));
    check(sd_bus_set_anonymous(bus, 1));
    check(sd_bus_negotiate_fds(bus, 1));
    check(sd_bus_start(bus));
    check(sd_bus_attach_event(bus, event, SD_EVENT_PRIORITY_NORMAL));
    check(sd_bus_set_exit_on_disconnect(bus, 1));
    return bus;
}

static int start_real(char **arguments) {
    g_autofree char *directory = g_path_get_dirname(arguments[0]);
    const char *kind = strrchr(arguments[0], '-') + 1;
    g_autofree char *path = g_strconcat(directory, "/real-", kind, NULL);
    int sockets[2];

    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
    pid_t pid = fork();
    check(pid);
    if (pid == 0) {
        dup2(sockets[1], BUS_FD);
        execv(path, arguments);
        _exit(EXIT_FAILURE);
    }
    close(sockets[1]);
    return sockets[0];
}

int main(int argc, char **argv) {
    g_autofree char *order = NULL;
    sd_event *event;

    (void)argc;
    if (!g_file_get_contents("/run/liar", &order, NULL, NULL))
        return EXIT_FAILURE;
    g_auto(GStrv) words = g_strsplit(g_strstrip(order), " ", 3);
    liar.kind = strrchr(argv[0], '-') + 1;
    liar.member = words[0];
    liar.lie = words[1];
    liar.text = words[2];
    fcntl(BUS_FD, F_SETFD, FD_CLOEXEC);
    int fd = start_real(argv);
    check(sd_event_new(&event));
    liar.real = open_bus(fd, false, event);
    liar.service = open_bus(BUS_FD, true, event);
    check(sd_bus_add_filter(liar.service, NULL, on_call, NULL));
    return sd_event_loop(event) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
