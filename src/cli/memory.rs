//! How the process holds its memory.

/// Memory that a frame frees is kept for the next frame, instead of being given back to the system
/// and asked for again, page by page: a tenth of a frame's time. Only the GNU allocator can be told
/// so, before it serves a second thread; elsewhere nothing is done.
pub(super) fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // of malloc.h: parameters of mallopt
        const TRIM_THRESHOLD: i32 = -1;
        const MMAP_THRESHOLD: i32 = -3;
        const ARENA_MAX: i32 = -8;
        unsafe extern "C" {
            safe fn mallopt(parameter: i32, value: i32) -> i32;
        }
        // a refusal (0) leaves the allocator as it was
        // the arenas of threads give back what is free, whatever the threshold
        mallopt(ARENA_MAX, 1);
        mallopt(MMAP_THRESHOLD, 32 << 20);
        mallopt(TRIM_THRESHOLD, 1 << 30);
    }
}
