/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* polkit's agent for terminals. */

#pragma once

/* Starts it, if there is a terminal to ask at; and ends it, when dist exits. */
void dist_agent_open(void);
void dist_agent_close(void);
