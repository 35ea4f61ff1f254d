#ifndef COMPRESS_PROCESS_H
#define COMPRESS_PROCESS_H

/// Has the kernel send a signal to this process when the thread that started it ends, whatever ends
/// it. Returns 0, or -1 where the system cannot.
int compress_signal_at_parent_death(int signal_number);

#endif
