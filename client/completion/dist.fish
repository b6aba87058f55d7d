# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of dist for fish: dist itself says what may follow.

complete -c dist -a '(dist shell-completion --line=(commandline -cp) 2>/dev/null)'
