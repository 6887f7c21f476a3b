# find_package(fmscore 1) gives fmscore::fmscore. The library is named by its whole path, so there
# is no libfmscore.so to be found, which a wheel could not hold: it has no links.
get_filename_component(_fmscore_root "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET fmscore::fmscore)
  add_library(fmscore::fmscore SHARED IMPORTED)
  set_target_properties(fmscore::fmscore PROPERTIES
    IMPORTED_LOCATION "${_fmscore_root}/lib/libfmscore.so.1"
    IMPORTED_SONAME libfmscore.so.1
    INTERFACE_INCLUDE_DIRECTORIES "${_fmscore_root}/include")
endif()
unset(_fmscore_root)
