-- What each channel earned on each Pacific day, for each thousand views, and what advertisements brought.
-- All money is YouTube's estimate in USD and is restated for weeks. NULL has its reason in `estimated_revenue_reason`.
-- Unique: channel_id, date. Never NULL: channel_id, date. Days: date.
-- channel_id: the channel
-- date: the Pacific day
-- estimated_revenue: from all sources
-- estimated_revenue_reason: why it is NULL
-- ad_revenue: from advertisements
-- premium_revenue: from YouTube Premium
-- gross_revenue: what advertisers paid, before YouTube's part
-- views: how often its videos were watched
-- engaged_views: views beyond the first seconds
-- revenue_per_thousand_views: estimated revenue for 1,000 views; falls where `views` begins to count every start
-- revenue_per_thousand_engaged_views: for 1,000 engaged views, which may be compared over years
-- monetized_playbacks: playbacks with at least one advertisement
-- ad_impressions: advertisements shown
-- playback_based_cpm: gross revenue for 1,000 monetized playbacks, as YouTube says
-- cpm: gross revenue for 1,000 advertisements shown, as YouTube says
-- state: final, provisional or history: what the views are
WITH
parts AS (
  SELECT
    channel_id, date, views, engaged_views, estimated_revenue, estimated_revenue_reason, state,
    NULL AS metrics
  FROM `{dataset}.youtube_metrics`
  UNION ALL
  SELECT channel_id, date, NULL, NULL, NULL, NULL, NULL, metrics
  FROM `{dataset}.current_analytics`
  WHERE query IN ('revenue_daily', 'ads_daily')
),
days AS (
  SELECT
    channel_id,
    date,
    MAX(estimated_revenue) AS estimated_revenue,
    MAX(estimated_revenue_reason) AS estimated_revenue_reason,
    MAX(CAST(JSON_VALUE(metrics, '$.estimatedAdRevenue') AS NUMERIC)) AS ad_revenue,
    MAX(CAST(JSON_VALUE(metrics, '$.estimatedRedPartnerRevenue') AS NUMERIC)) AS premium_revenue,
    MAX(CAST(JSON_VALUE(metrics, '$.grossRevenue') AS NUMERIC)) AS gross_revenue,
    MAX(views) AS views,
    MAX(engaged_views) AS engaged_views,
    MAX(CAST(CAST(JSON_VALUE(metrics, '$.monetizedPlaybacks') AS NUMERIC) AS INT64)) AS monetized_playbacks,
    MAX(CAST(CAST(JSON_VALUE(metrics, '$.adImpressions') AS NUMERIC) AS INT64)) AS ad_impressions,
    MAX(CAST(JSON_VALUE(metrics, '$.playbackBasedCpm') AS NUMERIC)) AS playback_based_cpm,
    MAX(CAST(JSON_VALUE(metrics, '$.cpm') AS NUMERIC)) AS cpm,
    MAX(state) AS state
  FROM parts
  GROUP BY channel_id, date
)
SELECT
  * EXCEPT (views, engaged_views, monetized_playbacks, ad_impressions, playback_based_cpm, cpm, state),
  views,
  engaged_views,
  ROUND(CAST(SAFE_DIVIDE(estimated_revenue * 1000, views) AS BIGNUMERIC), 4) AS revenue_per_thousand_views,
  ROUND(CAST(SAFE_DIVIDE(estimated_revenue * 1000, engaged_views) AS BIGNUMERIC), 4)
    AS revenue_per_thousand_engaged_views,
  monetized_playbacks,
  ad_impressions,
  playback_based_cpm,
  cpm,
  state
FROM days
