/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The socket in a record's directory on which the monitor of a created container receives the
 * request to start or to kill it. Only the owner of the directory can reach it.
 */

#pragma once

#include "record.h"

/* One packet: the request, and a signal. */
typedef enum { RUNTIME_MONITOR_START = 's', RUNTIME_MONITOR_KILL = 'k' } RuntimeMonitorRequest;

/* Opens the socket that the monitor listens on. -1 with error. */
int runtime_monitor_socket_open(const RuntimeRecord *record, GError **error);
void runtime_monitor_socket_remove(const RuntimeRecord *record);

/* Sends a request to the monitor and waits for its reply. FailedPrecondition if nobody listens. */
bool runtime_monitor_socket_ask(const RuntimeRecord *record, RuntimeMonitorRequest request,
                                int signal_number, GError **error);

/* For the monitor: accepts a connection and reads the request; -1 if there is none. */
int runtime_monitor_socket_accept(int listener, RuntimeMonitorRequest *request, int *signal_number);
/* Replies with the error reason, or success if it is NULL. */
void runtime_monitor_socket_answer(int connection, const GError *reason);
