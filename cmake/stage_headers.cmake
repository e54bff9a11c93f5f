# Lays headers out as they are installed: cmake -DSOURCE=CHECKOUT -DOUTPUT=FOLDER -P stage_headers.cmake
#
# OUTPUT/sooner/ gets include/sooner/*.h as they are and, in a folder for each room, those headers of src/ that they
# reach. There a room's header names another one by the path from itself ("../core/shape.h"), so that one include folder
# is enough and no file of the same name elsewhere on a compiler's path can take its place.
cmake_minimum_required(VERSION 3.25)

# Only what differs is written: who builds against the installed headers need not build again.
function(write_if_different file text)
  set(old "")
  if(EXISTS ${file})
    file(READ ${file} old)
  endif()
  if(NOT old STREQUAL text)
    file(WRITE ${file} "${text}")
  endif()
endfunction()

set(include_of_room "#include \"([a-z_]+/[a-z_]+\\.h)\"")
set(waiting "")
set(staged "")
file(GLOB public_headers RELATIVE ${SOURCE}/include/sooner ${SOURCE}/include/sooner/*.h)
foreach(header IN LISTS public_headers)
  file(READ ${SOURCE}/include/sooner/${header} text)
  string(REGEX MATCHALL "${include_of_room}" includes "${text}")
  list(APPEND waiting ${includes})
  write_if_different(${OUTPUT}/sooner/${header} "${text}")
  list(APPEND staged ${header})
endforeach()
while(waiting)
  list(POP_FRONT waiting include)
  string(REGEX REPLACE "${include_of_room}" "\\1" header "${include}")
  if(header IN_LIST staged)
    continue()
  endif()
  file(READ ${SOURCE}/src/${header} text)
  string(REGEX MATCHALL "${include_of_room}" includes "${text}")
  list(APPEND waiting ${includes})
  string(REGEX REPLACE "${include_of_room}" "#include \"../\\1\"" text "${text}")
  if(text MATCHES "#include \"[^.]")
    message(FATAL_ERROR "[install] src/${header} is reached by a public header and includes more than \"room/name.h\"")
  endif()
  write_if_different(${OUTPUT}/sooner/${header} "${text}")
  list(APPEND staged ${header})
endwhile()

# What an earlier run left and nothing reaches any more.
file(GLOB_RECURSE there RELATIVE ${OUTPUT}/sooner ${OUTPUT}/sooner/*)
foreach(header IN LISTS there)
  if(NOT header IN_LIST staged)
    file(REMOVE ${OUTPUT}/sooner/${header})
  endif()
endforeach()
