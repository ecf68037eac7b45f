# Set the environment variable CMAKE_TOOLCHAIN_FILE to this file (CMake >= 3.21) to build on the PyPI wheels of ROS 2.
#
# The wheels export the Python and NumPy include folders of the machine that they were built on; at the end of a project's
# configure step this Python's take their place. A virtual environment inside the source tree puts those folders where an
# exported target may not point (CMake refuses it); they are needed only to build, so they stay in the build interface.
function(_ros_wheels_fix)
  find_package(Python3 QUIET COMPONENTS Interpreter Development.Module NumPy)
  get_directory_property(imported IMPORTED_TARGETS)
  foreach(target IN LISTS imported)
    get_target_property(include ${target} INTERFACE_INCLUDE_DIRECTORIES)
    if(include MATCHES "/opt/python/cp")
      list(FILTER include EXCLUDE REGEX "^/opt/python/cp")
      list(APPEND include ${Python3_INCLUDE_DIRS} ${Python3_NumPy_INCLUDE_DIRS})
      set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${include}")
    endif()
  endforeach()

  get_directory_property(own BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS own)
    get_target_property(include ${target} INTERFACE_INCLUDE_DIRECTORIES)
    if(include)
      list(TRANSFORM include REPLACE "^(${Python3_SITEARCH}/.*)$" "$<BUILD_INTERFACE:\\1>")
      set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${include}")
    endif()
  endforeach()
endfunction()

get_property(_skip GLOBAL PROPERTY IN_TRY_COMPILE)
get_property(_done GLOBAL PROPERTY ROS_WHEELS_FIX)
if(NOT _skip AND NOT _done)
  set_property(GLOBAL PROPERTY ROS_WHEELS_FIX 1)
  cmake_language(DEFER CALL _ros_wheels_fix)
endif()
