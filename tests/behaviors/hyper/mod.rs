//! The behaviors through plain hyper, over a real TCP connection: with the wrapper and without, over HTTP/1.1 and HTTP/2.
//! A scenario runs once for each list that names it, as a test of its name.

mod client;
mod cookie;
mod life;
mod server;
mod tenants;
mod time;
mod trust;
mod wire;
mod wrapper;

use server::{On, Version, Way};

const WRAPPED_HTTP1: On = On { way: Way::Wrapped, version: Version::Http1 };
const WRAPPED_HTTP2: On = On { way: Way::Wrapped, version: Version::Http2 };
const BY_HAND_HTTP1: On = On { way: Way::ByHand, version: Version::Http1 };
const BY_HAND_HTTP2: On = On { way: Way::ByHand, version: Version::Http2 };

/// Defines a test for each scenario. A scenario that no list names is dead code, which is an error.
macro_rules! run {
    ($on:ident: $($file:ident::{$($scenario:ident,)+})+) => {$($(
        #[tokio::test]
        async fn $scenario() {
            super::$file::$scenario(super::$on).await;
        }
    )+)+};
}

macro_rules! everywhere {
    ($on:ident) => {
        run! { $on:
            life::{
                b01_a_request_without_a_cookie_gets_a_fresh_empty_session_and_nothing_is_sent,
                b01_a_fresh_session_that_is_changed_to_what_it_was_is_not_sent,
                b02_a_fresh_session_that_gets_data_is_sent_once,
                b03_the_next_request_reads_the_data_back,
                b03_two_browsers_have_two_sessions,
                b03_two_browsers_behind_one_connection_have_two_sessions,
                b04_a_session_that_is_only_read_is_not_sent,
                b04_setting_what_was_there_is_no_change,
                b04_changing_and_changing_back_is_no_change,
                b05_a_change_keeps_the_id_and_beginning_and_restarts_the_idle_timeout,
                b06_a_session_that_is_empty_at_the_end_is_removed_from_the_browser,
                b06_clear_empties_the_data_and_no_more,
                b07_destroy_removes_with_the_very_attributes_of_the_session_cookie,
                b07_destroying_what_the_browser_never_had_sends_nothing,
                b08_cycle_id_keeps_the_data_under_a_new_id_and_restarts_the_absolute_timeout,
                b09_new_data_after_destroy_make_a_new_session_with_a_new_id,
                b12_a_handler_that_answers_5xx_does_not_change_the_session,
                b12_destroy_holds_whatever_the_status,
                b12_the_application_can_choose_to_keep_changes,
                b13_the_handlers_own_headers_are_kept_and_the_sessions_come_beside_them,
                b13_a_response_that_reads_the_session_says_vary_and_one_that_sets_it_says_no_store,
                b15_save_tells_before_it_is_too_late_whether_the_session_is_kept,
                b15_touch_makes_even_an_empty_session_durable,
                what_nobody_asks_for_is_not_opened,
            }
            time::{
                b20_a_session_is_live_until_its_idle_timeout,
                b21_a_session_ends_at_its_absolute_timeout_however_busy_it_is,
                b22_a_used_session_is_renewed_after_a_quarter_of_its_idle_timeout,
                b22_a_background_request_renews_a_session_after_half_of_its_idle_timeout,
                b23_remember_makes_a_session_persistent,
                b25_what_is_sent_is_stamped_when_it_is_sent,
                b26_a_cookie_from_further_in_the_future_is_refused_and_left,
            }
            cookie::{
                b30_the_default_is_a_host_cookie_with_every_protection,
                b33_what_does_not_fit_is_answered_by_500_and_the_browser_keeps_what_it_had,
                b33_what_does_not_fit_replaces_a_response_without_a_body_too,
                b34_other_cookies_change_nothing_whatever_they_are_made_of,
                b34_the_session_is_found_among_the_other_cookies_of_a_browser,
                b35_several_cookie_headers_are_one,
                b35_of_two_cookies_of_the_name_the_one_issued_last_wins,
                b35_a_changed_name_logs_nobody_out_and_the_old_cookie_is_removed,
            }
            tenants::{
                b36_a_cookie_of_one_tenant_does_not_open_at_another,
                b36_a_request_for_an_unknown_host_is_answered_with_421,
                b36_a_request_that_names_two_hosts_is_answered_with_421,
            }
            trust::{
                b40_whatever_the_refusal_status_body_and_data_are_those_of_a_fresh_session,
                b40_the_reason_is_there_for_the_handler_and_is_counted,
                b40_the_reason_is_logged_at_debug_without_the_cookie,
                b41_a_malformed_or_expired_cookie_is_removed_and_every_other_is_left,
                b41_a_refused_cookie_is_replaced_only_when_the_handler_writes,
            }
            wire::{
                b02_a_fresh_session_is_sent_once_whatever_the_body,
                b11_a_change_made_while_the_body_streams_comes_too_late_and_is_told,
                b16_a_client_that_hangs_up_before_the_answer_leaves_the_session_as_before,
                b16_a_client_that_hangs_up_within_the_body_leaves_the_session_as_after,
                b17_responses_without_a_body_carry_the_cookie_like_any_other,
            }
        }
    };
}

macro_rules! with_the_wrapper {
    ($on:ident) => {
        run! { $on:
            wrapper::{
                b10_everybody_who_asks_in_one_request_sees_one_session,
                b14_two_wrappers_that_would_write_one_cookie_are_a_500,
                b14_and_the_log_says_what_to_do,
                b14_wrappers_with_different_types_and_names_live_side_by_side,
                b25_timeouts_are_checked_when_the_request_begins,
                b33_a_hook_can_answer_otherwise,
                b33_a_service_further_out_can_make_a_page_of_the_error,
                a_request_that_the_service_gives_up_changes_nothing,
            }
        }
        #[cfg(feature = "axum")]
        run! { $on: wrapper::{ an_axum_router_within_has_the_session_too, } }
        #[cfg(feature = "axum")]
        run! { $on: wrapper::{ b14_a_layer_within_that_would_write_the_same_cookie_is_a_500, } }
    };
}

macro_rules! over_http1 {
    ($on:ident) => {
        run! { $on:
            wire::{
                b02_a_streamed_body_is_still_chunked,
                b17_an_upgrade_carries_the_cookie_like_any_other,
            }
        }
    };
}

macro_rules! over_http2 {
    ($on:ident) => {
        run! { $on:
            wire::{
                b03_requests_at_once_on_one_connection_do_not_share_a_session,
                b16_a_stream_that_is_reset_leaves_the_session_as_before_and_the_connection_open,
            }
        }
    };
}

mod wrapped_http1 {
    everywhere!(WRAPPED_HTTP1);
    with_the_wrapper!(WRAPPED_HTTP1);
    over_http1!(WRAPPED_HTTP1);
}

mod wrapped_http2 {
    everywhere!(WRAPPED_HTTP2);
    with_the_wrapper!(WRAPPED_HTTP2);
    over_http2!(WRAPPED_HTTP2);
}

mod by_hand_http1 {
    everywhere!(BY_HAND_HTTP1);
    over_http1!(BY_HAND_HTTP1);
}

mod by_hand_http2 {
    everywhere!(BY_HAND_HTTP2);
    over_http2!(BY_HAND_HTTP2);
}
