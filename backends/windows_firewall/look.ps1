# ---- the engine, the run: what is there and what should be; the same in every script ------------

# Of this run, so that no other begins before it ends; also when it fails.
$mutex = $null
trap {
    Exit-Run -Mutex $mutex
    break
}
# Below HKLM:\SOFTWARE and %ProgramFiles% a 32-bit process sees other things.
if ([System.Environment]::Is64BitOperatingSystem -and -not [System.Environment]::Is64BitProcess) {
    throw 'This is a 32-bit PowerShell. Nothing was done: run the script in the 64-bit one.'
}
$isLocal = $PolicyStore -eq 'PersistentStore'
$store = @{ Name = $PolicyStore; Session = '' }
$store['MemoryRule'] = @{
    Name = Get-MemoryRuleName -Policy $policy; Group = $policy['Group']; Enabled = 'False'
    DisplayName = $memoryTitle; Direction = 'Inbound'; Action = 'Allow'
    Protocol = 'TCP'; LocalAddress = '192.0.2.1'; RemoteAddress = '192.0.2.1'
}
$changes = $Mode -in @('Apply', 'Remove', 'Restore')
$owner = Get-MemoryOwner -Policy $policy
$memoryKey = '{0}\Firewall\{1}' -f $memoryRoot, $owner
$proxyKey = '{0}\Proxy\{1}' -f $memoryRoot, $owner
$namesProfiles = @($policy['Profile'] -replace '^Any$', 'Domain, Private, Public') -split ', '

$wantsRules = $Mode -in @('Verify', 'Apply')
if ($isLocal) {
    $stops = $changes -and -not $Force
    Assert-OwnServer -Policy $policy -Stops $stops -ForRules $wantsRules
}
if ($Mode -eq 'Apply' -and -not $isLocal -and $keywords.Count -gt 0) {
    $text = 'Nothing was changed: the rules use dynamic keywords, which no Group Policy can hold.'
    throw ($text + ' Compile with service_tags = "addresses" and names = "service-tags" or "report".')
}
if ($Mode -in @('Backup', 'Restore') -and $BackupPath -eq '') {
    throw ('-Mode {0} needs -BackupPath.' -f $Mode)
}
$backupFile = ''
if ($BackupPath -ne '' -and $Mode -ne 'Verify') {
    $backupFile = $PSCmdlet.GetUnresolvedProviderPathFromPSPath($BackupPath)
    if ($Mode -ne 'Restore' -and [System.IO.File]::Exists($backupFile)) {
        $text = 'Nothing was changed: {0} is there already and is not overwritten. It may be of a run'
        $text += ' that failed, from before it: keep it, and name another file.'
        throw ($text -f $backupFile)
    }
}
# What one run reads another must not change meanwhile.
if ($changes -or $Mode -eq 'Backup') {
    $mutex = Enter-Run
}

$backup = @{ Setting = @{} }
if ($Mode -eq 'Restore') {
    $backup = Read-Backup -Policy $policy -Store $PolicyStore -Path $backupFile
}

# ---- what is there ----

$everyRule = @(Get-NetFirewallRule -PolicyStore $PolicyStore -ErrorAction Stop)
$own = Get-OwnRule -Policy $policy -Rule $everyRule
if ($isLocal) {
    $memory = Get-RegistryTable -Key $memoryKey
    $otherMemory = Get-OtherMemory -Root ('{0}\Firewall' -f $memoryRoot) -Owner $owner
}
else {
    $parameters = @{ Rule = $everyRule; Name = $store['MemoryRule']['Name'] }
    $memory = Read-StoreMemory @parameters
    $otherMemory = Read-StoreMemory @parameters -IsOther
    $store['Memory'] = $memory.Clone()
}
$names = @($builtin | ForEach-Object { 'Built-in {0}' -f $_['Name'] })
$names = @(@($names) + @($memory.Keys) -like 'Built-in *')
if ($Mode -eq 'Restore') {
    # A backup says what a rule was, and not which rules of Windows' own are the policy's to set.
    $names = @(@($names) + @($backup['Memory'].Keys) -like 'Built-in *')
    foreach ($name in @(@($backup['Setting'].Keys) -like 'Built-in *' | Sort-Object)) {
        if ($name -notin $names) {
            $text = '{0} of the backup is left out: the policy does not set it, and has not set it.'
            Write-Warning -Message ($text -f $name)
            $backup['Setting'].Remove($name)
        }
    }
}
$builtinRules = @($everyRule | Where-Object { "Built-in $($_.Name)" -in $names })
$settings = Read-Setting -Store $PolicyStore -Rule $builtinRules
$index = @{}
if ($own.Count + $builtinRules.Count -gt 0) {
    $index = Get-FilterIndex -Store $PolicyStore
}
$fields = @(Get-RuleField)
$builtinValues = @{}
foreach ($item in $builtinRules) {
    $builtinValues[$item.Name] = Get-LiveValue -Rule $item -Index $index -Field $fields
}
$absent = @($names | Where-Object { -not $isLocal -and -not $settings.ContainsKey($_) })
if ($absent.Count -gt 0 -and $Mode -ne 'Remove') {
    # A rule of Windows' own that the object does not have is copied from this machine.
    $absent | ForEach-Object { $settings[$_] = 'Absent' }
    $here = Get-FilterIndex -Store 'PersistentStore'
    foreach ($item in @(Get-NetFirewallRule -PolicyStore PersistentStore -ErrorAction Stop)) {
        if ("Built-in $($item.Name)" -in $absent) {
            $builtinValues[$item.Name] = Get-LiveValue -Rule $item -Index $here -Field $fields
        }
    }
}
$store['Template'] = $builtinValues
$live = @{}
foreach ($name in @($own.Keys)) {
    $live[$name] = Get-LiveValue -Rule $own[$name] -Index $index -Field $fields
}
# Names and group are those of every server of the cluster; addresses are one server's own.
$others = @($live.Values | ForEach-Object { $_['LocalAddress'] })
$others = @($others | Where-Object { "$_" -notin @('', 'Any') } | Sort-Object -Unique)
$others = @($others | Where-Object { -not (Test-Within -Address $_ -Range $policy['Address']) })
if (-not $isLocal -and $others.Count -gt 0) {
    $text = 'The object has the rules of another server, or of this one before it got new addresses:'
    $text = '{0} they are for {1}.' -f $text, (Format-Some -Value $others)
    if ($changes -and -not $Force) {
        throw ('{0} Nothing was changed; -Force does it all the same.' -f $text)
    }
    Write-Warning -Message $text
}
$liveKeywords = @{}
if ($isLocal) {
    $liveKeywords = Get-DynamicKeyword
}

$state = @{
    Rule = $live; Keyword = $liveKeywords; Setting = $settings; Memory = $memory; Proxy = @{}
    ProxyMemory = @{}
}
$otherProxies = @{}
if ($isLocal) {
    $state['ProxyMemory'] = Get-RegistryTable -Key $proxyKey
    $otherProxies = Get-OtherMemory -Root ('{0}\Proxy' -f $memoryRoot) -Owner $owner
}
# Whoever has it ignored now has what an earlier version set taken back by Remove.
$ignoresProxy = $proxy['Settings'] -eq 'Ignored'
$setsProxy = $isLocal -and (-not $ignoresProxy -or $Mode -in @('Remove', 'Restore'))
if ($setsProxy -and ($backupFile -ne '' -or $Mode -eq 'Restore')) {
    Add-ProxyState -State $state
}

# ---- what should be there ----

$wanted = @()
$wantedKeywords = @()
$wantedSettings = @{}
$remembered = @{}
$lastDays = @{}
$rules | ForEach-Object { $lastDays[$_['Name']] = Get-LastDay -Rule $_ }
if ($Mode -eq 'Restore') {
    @($backup['Until'].Keys) | ForEach-Object { $lastDays[$_] = $backup['Until'][$_] }
}
$ended = @{}
foreach ($name in @($lastDays.Keys | Where-Object { Test-Ended -Day $lastDays[$_] })) {
    $ended[$name] = $lastDays[$name]
}
if ($wantsRules) {
    $wanted = @(Get-WantedRule -Policy $policy -Rule $rules)
    $wantedKeywords = $keywords
    if ($policy['Outbound'] -eq 'Block') {
        $namesProfiles | ForEach-Object { $wantedSettings["Outbound $_"] = 'Block' }
    }
    $builtin | ForEach-Object { $wantedSettings["Built-in $($_['Name'])"] = 'True' }
    foreach ($name in @($wantedSettings.Keys)) {
        $remembered[$name] = $settings[$name]
        foreach ($table in @($otherMemory, $memory)) {
            if ($table.ContainsKey($name)) {
                $remembered[$name] = $table[$name]
            }
        }
    }
}
elseif ($Mode -eq 'Restore') {
    $wanted = @($backup['Rule'].Values)
    $wantedKeywords = @($backup['Keyword'].Values)
    $wantedSettings = $backup['Setting']
    $remembered = $backup['Memory']
}
$wanted = @($wanted | Where-Object { -not $ended.ContainsKey($_['Name']) })
# What Apply changed once and the policy does not ask for any more. What others have set as well
# stays as it is, and what means the same to a server's own profiles.
$stale = @{}
$shared = @{}
foreach ($name in @($memory.Keys)) {
    if (-not $wantedSettings.ContainsKey($name)) {
        $stale[$name] = $memory[$name]
    }
}
$opens = @('NotConfigured', 'Allow')
foreach ($table in @($stale, $wantedSettings)) {
    foreach ($name in @($table.Keys)) {
        if ($isLocal -and $table[$name] -in $opens -and $settings[$name] -in $opens) {
            $table[$name] = $settings[$name]
        }
    }
    foreach ($name in @($table.Keys | Where-Object { $otherMemory.ContainsKey($_) })) {
        # All of them want the same.
        if ($table -eq $stale -or $table[$name] -notin @('Block', 'True')) {
            $shared[$name] = $true
            $table[$name] = $settings[$name]
        }
    }
}

# ---- what is different ----

$settingFindings = @()
$proxyFindings = @()
$findings = @(Get-Finding -Wanted $wanted -Live $live)
$keywordFindings = @(Get-KeywordFinding -Wanted $wantedKeywords -Live $liveKeywords)
if ($wantsRules) {
    $parameters = @{ Policy = $policy; Builtin = $builtin; Live = $builtinValues }
    $settingFindings = @(Get-BuiltinFinding @parameters -Setting $settings)
}
foreach ($name in @(@($wantedSettings.Keys) -like 'Outbound *' | Sort-Object)) {
    if ($settings[$name] -ne $wantedSettings[$name]) {
        $detail = 'Default action is {0}, should be {1}' -f $settings[$name],
        $wantedSettings[$name]
        $settingFindings += [pscustomobject] @{
            Name = $name; Finding = 'Changed: DefaultOutboundAction'; Detail = $detail
        }
    }
}
foreach ($name in @($stale.Keys | Sort-Object)) {
    $detail = 'Set by an earlier version of the policy; was {0}' -f $memory[$name]
    $settingFindings += [pscustomobject] @{ Name = $name; Finding = 'Stale'; Detail = $detail }
}
if ($setsProxy -and $Mode -ne 'Restore') {
    $wantedProxy = $proxy
    if ($Mode -eq 'Remove') {
        $wantedProxy = @{ Settings = 'None' }
    }
    $parameters = @{ Memory = $state['ProxyMemory']; OtherMemory = $otherProxies }
    $proxyFindings = @(
        Get-ProxyFinding -Proxy $wantedProxy -Stops ($Mode -eq 'Apply') @parameters
    )
}
$kept = @(
    $shared.Keys
    $proxyFindings | Where-Object { $_.Finding -eq 'Stale' -and $null -ne $_.Before } |
        ForEach-Object { $_.Name }
)
$kept = @($kept | Sort-Object)
if ($kept.Count -gt 0) {
    $text = 'These stay as they are: the script of another cluster or group has set them, too: {0}'
    Write-Warning -Message ($text -f ($kept -join ', '))
}

$likeOurs = @(Get-OtherGroup -Policy $policy -Rule $everyRule)
if ($likeOurs.Count -gt 0 -and $Mode -in @('Verify', 'Apply', 'Remove')) {
    $text = 'There are rules of this cluster in another group: {0}. Windows cannot give them this'
    $text += ' one: remove them with the script that made them (-Mode Remove), then run Apply.'
    $text = $text -f (Format-Some -Value $likeOurs)
    if ($Mode -eq 'Apply' -and -not $Force) {
        throw ('Nothing was changed. {0} -Force makes the rules beside them.' -f $text)
    }
    Write-Warning -Message $text
}

$tableNames = @($rules | ForEach-Object { $_['Name'] })
if ($Mode -in @('Apply', 'Restore')) {
    foreach ($name in @($ended.Keys | Sort-Object)) {
        $text = '{0} is left out: its exception ended on {1}.' -f $name, $ended[$name]
        if ($name -in $tableNames) {
            $text += ' Build the policy anew.'
        }
        Write-Warning -Message $text
    }
}

if ($Mode -eq 'Verify') {
    $findings = @($findings | Where-Object { -not $ended.ContainsKey($_.Name) })
    foreach ($name in @($ended.Keys | Sort-Object)) {
        $detail = 'The exception ended on {0}; build the policy anew, deny rules have a gap for it'
        $findings += [pscustomobject] @{
            Name = $name; Finding = 'Expired'; Detail = $detail -f $ended[$name]
        }
    }
    $all = @($keywordFindings) + $findings + $settingFindings + $proxyFindings
    if ($isLocal -and $ignoresProxy -and $state['ProxyMemory'].Count -gt 0) {
        $text = 'An earlier version of the policy set the proxy; Remove puts back what was there.'
        Write-Warning -Message $text
    }
    $enforced = @()
    if ($isLocal) {
        $parameters = @{ Policy = $policy; Wanted = $wanted; Keyword = $keywords }
        $enforced = @(Get-EnforcementFinding @parameters)
    }
    $others = @(
        $everyRule | Where-Object { $_.Group -eq $policy['Group'] } |
            Where-Object { $_.Name -notin (@($own.Keys) + $store['MemoryRule']['Name']) } |
            ForEach-Object { $_.Name }
    )
    if ($others.Count -gt 0) {
        $text = 'Rules in the group that the policy did not make, and Apply leaves alone: {0}'
        Write-Warning -Message ($text -f ($others -join ', '))
    }
    $all + $enforced | Select-Object -Property 'Name', 'Finding', 'Detail'
    if ("$($MyInvocation.MyCommand.CommandType)" -eq 'ExternalScript') {
        if ($all.Count -gt 0) {
            exit 2
        }
        if ($enforced.Count -gt 0) {
            exit 3
        }
        exit 0
    }
    return
}
