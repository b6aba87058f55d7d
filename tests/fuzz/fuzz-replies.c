/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Replies of workers, as berthd reads them: the first byte selects the reader, the rest becomes a
 * message. Each byte opens a container, closes one or appends a value, so the types are as
 * arbitrary as the values.
 */

#include "fuzz.h"
#include "images/documents.h"
#include "worker/replies.h"

#include <string.h>
#include <sys/socket.h>

enum { MAX_DEPTH = 8, MAX_TEXT = 80 };

static sd_bus *open_bus(void) {
    static sd_bus *bus;
    int ends[2];

    if (!bus &&
        (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0 || sd_bus_new(&bus) < 0 ||
         sd_bus_set_fd(bus, ends[0], ends[0]) < 0 || sd_bus_start(bus) < 0))
        g_error("no bus");
    return bus;
}

typedef struct {
    const uint8_t *data;
    size_t size;
} Input;

static uint8_t take(Input *input) {
    if (input->size == 0)
        return 0;
    input->size--;
    return *input->data++;
}

static char *take_text(Input *input) {
    size_t wanted = take(input) % MAX_TEXT, length = MIN(wanted, input->size);
    char *text = g_strndup((const char *)input->data, length);

    input->data += length;
    input->size -= length;
    if (!g_utf8_validate(text, -1, NULL))
        text[0] = '\0';
    return text;
}

/* Values that are not allowed at this position are refused by sd-bus, and left out. */
static void append(sd_bus_message *message, Input *input) {
    static const char *const arrays[] = {"s", "(sst)",   "((sst)sssb)", "(say)",
                                         "y", "(sasas)", "((sst)s)",    "v"};
    static const char *const structures[] = {"sst", "(sst)sssb", "say", "sasas", "(sst)s"};
    g_autofree char *text = NULL;
    int depth = 0;

    while (input->size > 0) {
        uint8_t choice = take(input);
        switch (choice % 8) {
        case 0:
            g_free(text);
            text = take_text(input);
            sd_bus_message_append(message, "s", text);
            break;
        case 1:
            sd_bus_message_append(message, "t", (uint64_t)take(input) << (choice / 8));
            break;
        case 2:
            sd_bus_message_append(message, "b", choice / 8 % 2);
            break;
        case 3:
            sd_bus_message_append(message, "u", (uint32_t)take(input));
            break;
        case 4:
            if (depth < MAX_DEPTH &&
                sd_bus_message_open_container(message, 'a',
                                              arrays[choice / 8 % G_N_ELEMENTS(arrays)]) >= 0)
                depth++;
            break;
        case 5:
            if (depth < MAX_DEPTH &&
                sd_bus_message_open_container(
                    message, 'r', structures[choice / 8 % G_N_ELEMENTS(structures)]) >= 0)
                depth++;
            break;
        case 6:
            sd_bus_message_append(message, "s",
                                  "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff"
                                  "61f20015ad");
            break;
        default:
            if (depth > 0 && sd_bus_message_close_container(message) >= 0)
                depth--;
        }
    }
    while (depth > 0 && sd_bus_message_close_container(message) >= 0)
        depth--;
}

static void read_reply(sd_bus_message *reply, uint8_t reader) {
    char *places[] = {(char *)"h", NULL};
    const BerthOpenRequest request = {"h/p:t", "", places};
    g_auto(BerthOpenReply) opened = {0};
    g_autoptr(BerthDescriptor) target = NULL;
    g_autoptr(BerthDocument) document = NULL;
    g_autoptr(BerthImageInfo) info = NULL;
    g_auto(GStrv) strings = NULL;
    BerthArchiveEntry entry;
    const char *text;
    const void *data;
    uint64_t size;
    bool needs;

    switch (reader % 11) {
    case 0:
        berth_reply_read_opened(reply, &request, &opened, NULL);
        break;
    case 1:
        berth_reply_read_resolved(reply, "h/p:t", "", &target, &strings, NULL);
        break;
    case 2:
        berth_reply_read_object(reply, "t", &target, NULL);
        break;
    case 3:
        berth_reply_read_sample(reply, 3, &data, NULL);
        break;
    case 4:
        berth_reply_read_pushed(reply, NULL);
        break;
    case 5:
        berth_reply_read_ingested(reply, "sha256", 1000, &text, &size, NULL);
        break;
    case 6:
        if (!berth_reply_read_text(reply, &text, NULL)) {
            sd_bus_message_rewind(reply, true);
            berth_reply_read_stored_text(reply, 2, &text, NULL);
        }
        break;
    case 7:
        berth_reply_read_unpacked(reply, 1000, &size, &needs, NULL);
        break;
    case 8:
        berth_reply_read_member(reply, &entry, NULL);
        break;
    case 9:
        document = berth_document_read_reply(reply, NULL);
        break;
    default:
        info = berth_image_info_read_reply(reply, "m", "c", NULL);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    g_autoptr(sd_bus_message) message = NULL;
    Input input = {data, size};
    uint8_t reader = take(&input);

    if (sd_bus_message_new_signal(open_bus(), &message, "/a", "a.b", "C") < 0)
        return 0;
    append(message, &input);
    if (sd_bus_message_seal(message, 1, 0) >= 0 && sd_bus_message_rewind(message, 1) >= 0)
        read_reply(message, reader);
    return 0;
}
