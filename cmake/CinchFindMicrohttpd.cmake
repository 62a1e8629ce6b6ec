# GNU libmicrohttpd as an imported target of our own: cinch_microhttpd. Used by cinch's own build and, installed, by its
# package. Without it there is no target.
if(NOT TARGET cinch_microhttpd)
  find_path(CINCH_MICROHTTPD_INCLUDE NAMES microhttpd.h)
  find_library(CINCH_MICROHTTPD_LIBRARY NAMES microhttpd)
  mark_as_advanced(CINCH_MICROHTTPD_INCLUDE CINCH_MICROHTTPD_LIBRARY)
  if(CINCH_MICROHTTPD_INCLUDE AND CINCH_MICROHTTPD_LIBRARY)
    add_library(cinch_microhttpd INTERFACE IMPORTED GLOBAL)
    target_include_directories(cinch_microhttpd INTERFACE "${CINCH_MICROHTTPD_INCLUDE}")
    target_link_libraries(cinch_microhttpd INTERFACE "${CINCH_MICROHTTPD_LIBRARY}" Threads::Threads)
  endif()
endif()
