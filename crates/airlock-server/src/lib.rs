//! The faces: repositories, REST API, local socket.
