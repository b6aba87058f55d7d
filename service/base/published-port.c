/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Published ports as text. Addresses are normalised, so that two spellings of the same port compare
 * as equal. There is no state here.
 */

#include "base/published-port.h"

#include <arpa/inet.h>
#include <glib.h>
#include <string.h>

static bool parse_number(const char *text, unsigned smallest, unsigned *number) {
    char *end;
    guint64 value = g_ascii_strtoull(text, &end, 10);

    *number = (unsigned)value;
    /* g_ascii_strtoull() skips blanks and accepts a sign. */
    return g_ascii_isdigit(text[0]) && *end == '\0' && value >= smallest && value <= 65535;
}

/* Stores the address in one canonical form, however the caller has written it. */
static bool take_address(const char *text, BerthPort *port) {
    struct in6_addr address;

    if (text[0] == '\0' || inet_pton(AF_INET, text, &address) == 1) {
        g_strlcpy(port->address, text, sizeof port->address);
        return true;
    }
    /* A mapped IPv4 address would be a second way to write the same address. */
    return inet_pton(AF_INET6, text, &address) == 1 && !IN6_IS_ADDR_V4MAPPED(&address) &&
           inet_ntop(AF_INET6, &address, port->address, sizeof port->address);
}

static const char *find_protocol(const char *text) {
    static const char *const protocols[] = {"tcp", "udp", "sctp"};

    for (size_t i = 0; i < G_N_ELEMENTS(protocols); i++)
        if (g_str_equal(protocols[i], text))
            return protocols[i];
    return NULL;
}

bool berth_port_parse(const char *text, BerthPort *port) {
    g_auto(GStrv) halves = g_strsplit(text, "/", 2);
    char *container = halves[0] ? strrchr(halves[0], ':') : NULL;

    *port = (BerthPort){.protocol = halves[0] && halves[1] ? find_protocol(halves[1]) : "tcp"};
    if (!container || !port->protocol)
        return false;
    *container++ = '\0';
    /* Split from the right, since an IPv6 address contains colons too. */
    char *host = strrchr(halves[0], ':');
    char *address = host ? halves[0] : (char *)"";
    if (host) {
        *host++ = '\0';
        size_t length = strlen(address);
        if (length > 2 && address[0] == '[' && address[length - 1] == ']') {
            address[length - 1] = '\0';
            address++;
        }
        if (address[0] == '\0')
            return false;
    } else {
        host = halves[0];
    }
    return parse_number(host, 0, &port->host) && parse_number(container, 1, &port->container) &&
           take_address(address, port);
}

char *berth_port_format(const BerthPort *port) {
    bool six = strchr(port->address, ':');

    return g_strdup_printf("%s%s%s%s%u:%u/%s", six ? "[" : "", port->address, six ? "]" : "",
                           port->address[0] ? ":" : "", port->host, port->container,
                           port->protocol);
}
