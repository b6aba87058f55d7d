/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The socket in the directory of a record, on which the monitor of a created container receives the
 * request to start it, or to end it before that. Only the owner of the directory reaches it. */

#pragma once

#include "record.h"

/* One packet: what is asked for, and a signal. */
typedef enum { RUNTIME_MONITOR_START = 's', RUNTIME_MONITOR_KILL = 'k' } RuntimeMonitorRequest;

/* Opens the socket on which the monitor listens. -1 with error. */
int runtime_monitor_socket_open(const RuntimeRecord *record, GError **error);
void runtime_monitor_socket_remove(const RuntimeRecord *record);

/* Asks the monitor, and waits for its answer. FailedPrecondition if nobody listens. */
bool runtime_monitor_socket_ask(const RuntimeRecord *record, RuntimeMonitorRequest request,
                                int signal_number, GError **error);

/* For the monitor: accepts a connection and reads the request; -1 if there is none. */
int runtime_monitor_socket_accept(int door, RuntimeMonitorRequest *request, int *signal_number);
/* Answers, with an error or NULL. */
void runtime_monitor_socket_answer(int connection, const GError *reason);
